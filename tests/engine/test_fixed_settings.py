"""An implementation whose ε or momentum is fixed is judged at these, and is asked for no other."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
from worlds.miniatures import Mathematics
from worlds.searches import Here, correct, implementation, searched, words
from worlds.smoke import said, smoked
from worlds.wrong_ways import of

from bnconform import Case, Dialect, Implementation, Outcome
from bnconform.contract.implementation import Described

POINTWISE = ("normalizes_by_the_batch", "infers_by_the_running_statistics", "averages_the_running_mean")
VARYING_EPSILON = ("weighs_epsilon_as_a_variance", "divides_by_the_deviation_alone_without_epsilon")
VARYING_MOMENTUM = ("averages_the_means_of_all_batches", "keeps_its_averages_where_the_new_weigh_nothing")


def having(eps: float = 1e-5, momentum: float = 0.1, how: Mathematics | None = None) -> Callable[[Case], Outcome]:
    """Returns an implementation that has these settings whatever a case says."""
    calculate = of(how or Mathematics())
    return lambda case: calculate(replace(case, eps=eps, momentum=momentum))


def fixed(run: Callable[[Case], Outcome], dialect: Dialect | None = None) -> Implementation:
    return implementation(run, dialect, fixed_eps=1e-5, fixed_momentum=0.1)


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
def test_it_is_judged_at_what_it_has(dtype: str) -> None:
    host = Here(fixed(having()))
    found = searched(host, *POINTWISE, dtype=dtype, examples=8)
    assert {tally.verdict for tally in found.values()} == {"conforms"}
    assert {(case.eps, case.momentum) for case in host.asked} == {(1e-5, 0.1)}


def test_without_a_word_of_it_nothing_of_it_is_kept() -> None:
    assert {one.verdict for one in searched(implementation(having()), *POINTWISE, examples=8).values()} == {"fails"}


@pytest.mark.parametrize(("specs", "reason"), [(VARYING_EPSILON, "ε is fixed"), (VARYING_MOMENTUM, "the momentum is")])
def test_a_statement_about_another_setting_is_not_asked_and_says_why(specs: tuple[str, ...], reason: str) -> None:
    host = Here(fixed(having()))
    for tally in searched(host, *specs, examples=4).values():
        assert tally.verdict == "unsupported"
        assert any(one.startswith(reason) for one in words(tally))
    assert {(case.eps, case.momentum) for case in host.asked} <= {(1e-5, 0.1)}


@pytest.mark.parametrize(
    "wrong", [having(how=Mathematics(epsilon_outside=True)), having(eps=1e-3), having(how=Mathematics(correction=1))]
)
def test_a_wrong_formula_shows_at_what_it_has_and_in_a_witness_with_it(wrong: Callable[[Case], Outcome]) -> None:
    tally = searched(fixed(wrong), "normalizes_by_the_batch")["normalizes_by_the_batch"]
    assert tally.verdict == "fails"
    assert tally.failure is not None
    assert tally.failure.case.x.size <= 16
    assert (tally.failure.case.eps, tally.failure.case.momentum) == (1e-5, 0.1)


def test_the_smoke_test_asks_for_what_it_has_and_still_tells_an_adapters_mistake() -> None:
    host = Here(fixed(having()))
    assert (smoked(host).broken, smoked(host).notes) == (None, ())
    assert {(case.eps, case.momentum) for case in host.asked} == {(1e-5, 0.1)}

    def transposed(case: Case) -> Outcome:
        found = having()(case)
        y = found.y
        return found if y is None or y.ndim != 2 else replace(found, y=y.T.reshape(y.shape).copy())

    assert "stand in the order of the axes (1, 0)" in said(smoked(fixed(transposed)))


def test_settings_kept_in_float32_may_be_fixed_too() -> None:
    dialect = Dialect(attribute_dtype="float32")
    host = Here(fixed(correct, dialect))
    found = searched(host, *POINTWISE, dtype="float64", examples=8)
    assert {tally.verdict for tally in found.values()} == {"conforms"}


def test_it_travels_with_the_description_and_older_descriptions_have_none() -> None:
    described = Described.of(fixed(having()))
    message = described.to_json()
    assert Described.from_json(message) == described
    for name in ("fixed_eps", "fixed_momentum"):
        del message[name]
    assert Described.from_json(message).fixed_eps is None
