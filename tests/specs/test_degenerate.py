"""Statements about cases that hardly make sense, and about time steps: each can fail, and what is right keeps it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from worlds.drawing import DTYPES, draw
from worlds.miniatures import CORRECT
from worlds.searches import Replying, correct, implementation, miniature, searched

from bnconform import Case, Implementation, Outcome
from bnconform.cases.strategies import Traits, cases
from bnconform.contract.axes import to_rows
from bnconform.contract.dialect import Dialect
from bnconform.contract.reply import Crashed
from bnconform.engine.tally import Tally
from bnconform.oracle import bounds, reference
from bnconform.relations import edges

EMPTY, EPSILON = "takes_no_channels_or_refuses_them", "adds_a_negative_epsilon_as_it_stands"
FINITE, BELOW = "keeps_its_averages_with_a_negative_epsilon", "infers_by_a_variance_just_below_zero"
NO_ROOT, STEPS = "makes_no_number_of_a_negative_root", "normalizes_each_time_step_alone"
NEW = (EMPTY, EPSILON, FINITE, BELOW, NO_ROOT)


def judged(about: Implementation, dtype: str = "float32") -> dict[str, Tally]:
    """Searches the statements, that about time steps with sequences only."""
    sequences = searched(replace(about, ranks={3}), STEPS, dtype=dtype, examples=15)
    return searched(about, *NEW, dtype=dtype, examples=15) | sequences


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", CORRECT)
def test_a_right_one_keeps_every_spec(name: str, dtype: str) -> None:
    for spec, tally in judged(miniature(name), dtype).items():
        assert (spec, tally.verdict, tally.ratio <= 1) == (spec, "conforms", True)


def no_epsilon_below_zero(case: Case) -> Outcome:
    return correct(replace(case, eps=max(case.eps, 0.0)))


def magnitude_of_epsilon(case: Case) -> Outcome:
    return correct(replace(case, eps=abs(case.eps)))


def no_variance_below_zero(case: Case) -> Outcome:
    if case.mode == "train" or case.running_var is None:
        return correct(case)
    return replace(correct(replace(case, running_var=np.maximum(case.running_var, 0))), running_var=case.running_var)


def magnitude_under_the_root(case: Case) -> Outcome:
    """Takes the root of |v + ε|, which is right wherever the sum is not negative."""
    if case.mode == "train" or case.running_var is None:
        return correct(case)
    wide = np.abs(case.running_var.astype(np.float64) + case.eps) - case.eps
    return replace(correct(replace(case, running_var=wide.astype(case.x.dtype))), running_var=case.running_var)


def averages_what_came_out(case: Case) -> Outcome:
    """Averages y beside x, so that a NaN of the root reaches the state."""
    found = correct(case)
    if case.mode == "infer" or found.running_mean is None or found.y is None:
        return found
    with np.errstate(all="ignore"):
        return replace(found, running_mean=found.running_mean + case.x.dtype.type(0) * to_rows(found.y, case.axis)[0])


def spoils_its_neighbours(case: Case) -> Outcome:
    """One NaN makes every output NaN, as a sum over channels would."""
    found = correct(case)
    if case.mode == "train" or found.y is None or not np.isnan(found.y.astype(np.float64)).any():
        return found
    return replace(found, y=np.full_like(found.y, np.nan))


def refuses_without_a_word(case: Case) -> Outcome:
    if not case.channels:
        raise ValueError
    return correct(case)


def one_statistic_for_neighbours(case: Case) -> Outcome:
    """Lets the first channel into all others where there are more than a block of twenty, as a wrong stride would."""
    if case.mode == "infer" or case.x.ndim != 2 or case.channels <= 20:
        return correct(case)
    return correct(replace(case, x=(case.x + case.x[:, :1]).astype(case.x.dtype)))


WRONG: dict[Callable[[Case], Outcome], set[str]] = {
    no_epsilon_below_zero: {EPSILON},
    magnitude_of_epsilon: {EPSILON},
    no_variance_below_zero: {BELOW, NO_ROOT},
    magnitude_under_the_root: {NO_ROOT},
    averages_what_came_out: {FINITE},
    spoils_its_neighbours: {BELOW},
    refuses_without_a_word: {EMPTY},
    one_statistic_for_neighbours: {STEPS},
}


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("run", WRONG)
def test_a_wrong_one_fails_by_the_specs_that_state_it(run: Callable[[Case], Outcome], dtype: str) -> None:
    tallies = judged(implementation(run), dtype)
    assert {name for name, tally in tallies.items() if tally.verdict == "fails"} == WRONG[run]


def test_a_refusal_is_no_failure_and_compares_nothing() -> None:
    def positive(case: Case) -> Outcome:
        if case.eps < 0 or (case.mode == "infer" and case.running_var is not None and (case.running_var < 0).any()):
            raise ValueError("neither epsilon nor a variance may be negative")
        return correct(case)

    found = {name: tally.verdict for name, tally in searched(implementation(positive), *NEW).items()}
    refused = dict.fromkeys((EPSILON, BELOW), "unsupported")
    assert found == dict.fromkeys(NEW, "conforms") | refused


def test_a_crash_without_channels_is_a_crash() -> None:
    host = Replying(implementation(correct), lambda case: None if case.channels else Crashed("SIGFPE", ""))
    assert searched(host, EMPTY)[EMPTY].verdict == "crashes"


@pytest.mark.parametrize("dtype", DTYPES)
def test_the_edges_are_where_they_are_said_to_be(dtype: str) -> None:
    for case in draw(cases(mode="infer").strategy(Traits(dtype=dtype)), 5):
        changed = edges.with_negative_variances(case)
        total = np.asarray(changed.running_var).astype(np.float64) + changed.eps
        assert (total[1::3] > 0).all()
        assert (total[2::3] < 0).all()
        y, within = reference.y(changed), bounds.y(changed, Dialect())
        assert np.isnan(to_rows(y, changed.axis)[:, 2::3]).all()
        assert np.isinf(to_rows(within.allowance, changed.axis)[:, 2::3]).all()
        assert np.array_equal(np.asarray(changed.running_var)[::3], np.asarray(case.running_var)[::3])
    for case in draw(cases(mode="train").strategy(Traits(dtype=dtype)), 5):
        changed = edges.with_negative_epsilon(case)
        left = reference.batch_var(changed) + changed.eps
        assert changed.eps < 0
        assert (left > 0).any()
        allowance = to_rows(bounds.y(changed, Dialect()).allowance, changed.axis)
        assert np.isinf(allowance[:, ~(left > 0)]).all()
