"""Statements about settings and values at their extremes: a right implementation keeps each, a wrong one breaks it."""

from __future__ import annotations

import pytest
from worlds import wrong_ways as ways
from worlds.drawing import DTYPES
from worlds.searches import implementation, miniature, searched, words

from bnconform import Dialect

CATCHES = {
    "gives_the_shift_for_a_single_value": ways.divides_by_m_less_one,
    "keeps_its_averages_through_a_single_value": ways.divides_by_m_less_one,
    "keeps_its_averages_through_an_empty_batch": ways.divides_by_no_examples,
    "divides_by_the_deviation_alone_without_epsilon": ways.has_a_least_epsilon,
    "keeps_its_averages_where_the_new_weigh_nothing": ways.takes_no_weight_for_the_default,
    "replaces_its_averages_where_the_new_weigh_all": ways.never_forgets,
    "keeps_a_nan_in_its_channel": ways.a_nan_spreads,
    "normalizes_the_largest_magnitudes": ways.clips,
    "normalizes_the_smallest_magnitudes": ways.has_a_least_epsilon,
}


@pytest.mark.parametrize("dtype", DTYPES)
def test_what_is_right_conforms_and_is_judged(dtype: str) -> None:
    tallies = searched(implementation(ways.correct), *CATCHES, dtype=dtype, examples=20)
    assert {name: tally.verdict for name, tally in tallies.items()} == dict.fromkeys(CATCHES, "conforms")
    assert all(tally.claimed > 0 and tally.ratio <= 1 for tally in tallies.values())


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("spec", CATCHES)
def test_what_is_wrong_in_that_way_fails(spec: str, dtype: str) -> None:
    tally = searched(implementation(CATCHES[spec]), spec, dtype=dtype, examples=20)[spec]
    assert tally.verdict == "fails"
    assert tally.ratio > 1


@pytest.mark.parametrize(
    ("run", "declared", "verdict"),
    [
        (ways.correct, "zero", "conforms"),
        (ways.refuses(1), "zero", "fails"),
        (ways.refuses(1), "raises", "deviates"),
        (ways.divides_by_m_less_one, "raises", "fails"),
    ],
)
def test_a_single_value_may_be_refused_where_that_is_declared(run: ways.Run, declared: str, verdict: str) -> None:
    about = implementation(run, Dialect(single_value=declared))  # type: ignore[arg-type]
    assert (
        searched(about, "gives_the_shift_for_a_single_value")["gives_the_shift_for_a_single_value"].verdict == verdict
    )


@pytest.mark.parametrize("rows", [0, 1])
def test_an_error_keeps_the_averages(rows: int) -> None:
    name = f"keeps_its_averages_through_{'a_single_value' if rows else 'an_empty_batch'}"
    assert searched(implementation(ways.refuses(rows)), name)[name].verdict == "conforms"


def test_a_refused_epsilon_of_zero_is_not_judged() -> None:
    def positive(case: ways.Case) -> ways.Outcome:
        if not case.eps:
            raise ValueError("eps must be positive")
        return ways.correct(case)

    name = "divides_by_the_deviation_alone_without_epsilon"
    tally = searched(implementation(positive), name)[name]
    assert (tally.verdict, words(tally)) == ("unsupported", {"refused: eps must be positive"})


def test_the_bound_admits_what_the_updates_of_a_running_mean_lose_to_underflow() -> None:
    name = "normalizes_the_smallest_magnitudes"
    tally = searched(miniature("welford"), name, dtype="float16", examples=100, seed=4)[name]
    assert (tally.verdict, tally.claimed > 0) == ("conforms", True)
