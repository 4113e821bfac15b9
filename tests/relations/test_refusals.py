"""A setting or a value that is refused with a clear error is not judged; any other error is."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from worlds.searches import correct, implementation, searched, words

from bnconform import Case, Outcome

AT_ZERO = "keeps_its_averages_where_the_new_weigh_nothing"
BY_ONE = (
    "replaces_its_averages_where_the_new_weigh_all",
    "averages_the_means_of_all_batches",
    "averages_the_variances_of_all_batches",
    "loses_no_more_digits_than_its_algorithm",
    "normalizes_data_far_from_zero",
    "varies_with_the_batch_as_its_exact_distribution",
    "adds_the_noise_of_the_other_examples",
)
NAN = "keeps_a_nan_in_its_channel"


def refusing(refuses: Callable[[Case], bool], error: Exception) -> Callable[[Case], Outcome]:
    def run(case: Case) -> Outcome:
        if refuses(case):
            raise error
        return correct(case)

    return run


def open_interval(case: Case) -> bool:
    return not 0 < case.momentum < 1


def not_finite(case: Case) -> bool:
    return not np.isfinite(case.x).all()


@pytest.mark.parametrize(("spec", "weight"), [(AT_ZERO, 0), *((one, 1) for one in BY_ONE)])
def test_a_refused_momentum_is_said_and_judged_by_nothing(spec: str, weight: int) -> None:
    error = ValueError("momentum must lie in (0, 1)")
    tally = searched(implementation(refusing(lambda case: case.momentum == weight, error)), spec, examples=2)[spec]
    assert tally.verdict == "unsupported"
    assert words(tally) == {"refused: momentum must lie in (0, 1)"}


def test_a_refused_nan_is_said_and_judged_by_nothing() -> None:
    error = ValueError("x is not finite")
    tally = searched(implementation(refusing(not_finite, error)), NAN, examples=2)[NAN]
    assert (tally.verdict, words(tally)) == ("unsupported", {"refused: x is not finite"})


def test_inference_is_not_asked_for_an_odd_momentum() -> None:
    error = ValueError("momentum must lie in (0, 1)")
    spec = "infers_data_far_from_zero"
    assert searched(implementation(refusing(open_interval, error)), spec, examples=2)[spec].verdict == "conforms"


@pytest.mark.parametrize("error", [ZeroDivisionError("division by zero"), ValueError(" ")])
def test_an_error_that_refuses_nothing_fails(error: Exception) -> None:
    assert searched(implementation(refusing(open_interval, error)), AT_ZERO, examples=2)[AT_ZERO].verdict == "fails"


def test_an_error_that_comes_anyway_fails() -> None:
    error = ValueError("no")
    run = refusing(lambda case: True, error)
    assert searched(implementation(run), AT_ZERO, NAN, examples=2)[AT_ZERO].verdict == "fails"
