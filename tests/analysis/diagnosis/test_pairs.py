"""Two faults at once: found on ordinary cases, needed both, and looked for only where no single fault explains it."""

from __future__ import annotations

import pytest

from bnconform.analysis.diagnosis.evidence import evidence
from bnconform.analysis.diagnosis.matching import Exhibit
from bnconform.analysis.diagnosis.pairs import is_needed, pairs_of
from bnconform.analysis.faults import FAULTS, RIGHT, Fault, both, perform, values
from bnconform.analysis.faults.adapter import DIALECT
from bnconform.analysis.faults.calculation import CircularFormulas
from bnconform.cases.shapes import POOL
from bnconform.cases.strategies import Given, Traits, fill
from bnconform.contract.case import Case

NAMED = {fault.name: fault for fault in FAULTS}
EPSILON, MEAN, EXCHANGED = (
    NAMED[name] for name in ("epsilon_outside_the_root", "mean_divided_by_one_more", "averages_exchanged")
)
FEW = [EPSILON, MEAN, EXCHANGED, NAMED["dgamma_averaged"], NAMED["shift_missing"]]


def problem(seed: int, mode: str = "train", dtype: str = "float32") -> Case:
    given = Given(mode=mode)  # type: ignore[arg-type]
    return fill(given, Traits(dtype=dtype), layout=POOL[4][0], eps=0.3, momentum=0.3, absent=(), seed=seed)


def exhibits(fault: Fault, dtype: str = "float32") -> list[Exhibit]:
    cases = [problem(seed, mode, dtype) for mode in ("train", "infer") for seed in (0, 1)]
    found = [evidence(case, perform(fault, case), DIALECT) for case in cases]
    return [Exhibit(one) for one in found if one is not None]


@pytest.mark.parametrize("dtype", ["float32", "bfloat16", "float64"])
def test_the_two_that_are_there_are_found_and_no_others(dtype: str) -> None:
    found = pairs_of(FEW, exhibits(both(EPSILON, MEAN), dtype))
    assert [one.parts for one in found] == [(EPSILON, MEAN)]


def test_nothing_wrong_is_no_pair() -> None:
    assert pairs_of(FEW, exhibits(RIGHT)) == []


def test_beside_one_that_explains_all_every_other_shows() -> None:
    assert pairs_of(FEW, exhibits(EPSILON)) == []


def test_a_pair_is_needed_where_neither_explains_it_alone() -> None:
    pair = both(EPSILON, MEAN)
    assert is_needed(pair, exhibits(pair))
    assert not is_needed(pair, exhibits(EPSILON))


def test_a_fault_that_makes_no_difference_is_not_needed() -> None:
    """Of no examples there are none here: it explains nothing that the other does not, whatever the exhibits are."""
    idle = NAMED["empty_batch_poisons_the_averages"]
    assert not is_needed(both(EPSILON, idle), exhibits(both(EPSILON, MEAN)))


def test_formulas_that_need_each_other_are_said_to_and_are_no_pair() -> None:
    one, other = NAMED["new_running_variance_in_training"], NAMED["reciprocal_root_averaged"]
    with pytest.raises(CircularFormulas, match="needs itself"):
        values(both(one, other), problem(0))
    assert pairs_of([one, other], exhibits(EPSILON)) == []


def test_both_have_the_changes_of_case_formula_and_outcome_of_each() -> None:
    case = problem(0)
    pair = both(NAMED["epsilon_of_1e_3"], EXCHANGED)
    assert (perform(pair, case).y == perform(NAMED["epsilon_of_1e_3"], case).y).all()  # type: ignore[union-attr]
    assert (perform(pair, case).running_var == perform(EXCHANGED, case).running_var).all()  # type: ignore[union-attr]
    changed = both(NAMED["constant_channel_gives_zero"], NAMED["second_call_differs"])
    assert changed.alter is not None
    assert pair.alter is None
