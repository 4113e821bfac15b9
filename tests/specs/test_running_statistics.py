"""Each spec of the running statistics can fail, and right implementations keep it in every dtype."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from worlds import miniatures
from worlds.drawing import DTYPES
from worlds.searches import biased, correct, implementation, miniature, searched, verdicts, without

from bnconform import Case, Dialect, Outcome

POPULATION = ("averages_the_means_of_all_batches", "averages_the_variances_of_all_batches")
DECAY = ("forgets_the_mean_exponentially", "forgets_the_variance_exponentially")
VARIANCES = (POPULATION[1], DECAY[1], "averages_without_a_backward_pass")
NEW = (
    *POPULATION,
    *DECAY,
    "averages_without_a_backward_pass",
    "trains_without_the_running_statistics",
    "leaves_the_statistics_alone_in_inference",
)
TOO_COARSE = {("averages_the_variances_of_all_batches", "bfloat16")}
"""Where sums in the type of x itself leave no claim: the rounding of a variance alone exceeds an eighth of it."""


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", miniatures.CORRECT)
def test_a_correct_one_keeps_every_spec(name: str, dtype: str) -> None:
    for spec, tally in searched(miniature(name), *NEW, dtype=dtype, examples=10).items():
        expected = "unsupported" if (spec, dtype) in TOO_COARSE else "conforms"
        assert (spec, tally.verdict, tally.ratio <= 1) == (spec, expected, True)


def slower(case: Case) -> Outcome:
    """Weighs the new value by ω²."""
    return correct(replace(case, momentum=case.momentum**2))


def debiased_at_full_weight(case: Case) -> Outcome:
    """Keeps a tenth of the old statistics even where the weight of the new ones is 1."""
    return correct(replace(case, momentum=min(case.momentum, 0.9)))


def biased_variance(case: Case) -> Outcome:
    return biased(case)


def averages_in_backward(case: Case) -> Outcome:
    """Updates the running statistics only where there is a backward pass."""
    found = correct(case)
    if case.dy is not None or case.mode == "infer":
        return found
    return replace(found, running_mean=case.running_mean, running_var=case.running_var)


def updates_in_inference(case: Case) -> Outcome:
    found = correct(case)
    if case.mode == "train" or found.running_mean is None:
        return found
    return replace(found, running_mean=np.nextafter(found.running_mean, found.running_mean.dtype.type(np.inf)))


def mixes_in_training(case: Case) -> Outcome:
    """Normalizes a training batch by the running statistics, as if they were trainable parameters."""
    found = correct(case)
    return found if case.mode == "infer" else replace(found, y=correct(replace(case, mode="infer")).y)


FAULTS: dict[Callable[[Case], Outcome], set[str]] = {
    slower: {*POPULATION, *DECAY, "averages_without_a_backward_pass"},
    debiased_at_full_weight: set(POPULATION),
    biased_variance: set(VARIANCES),
    averages_in_backward: {*POPULATION, "averages_without_a_backward_pass"},
    updates_in_inference: {"leaves_the_statistics_alone_in_inference"},
    mixes_in_training: {"trains_without_the_running_statistics"},
}


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("run", FAULTS)
def test_a_wrong_one_fails_by_the_specs_that_state_it(run: Callable[[Case], Outcome], dtype: str) -> None:
    tallies = searched(implementation(run), *NEW, dtype=dtype, examples=10)
    assert {name for name, verdict in verdicts(tallies).items() if verdict == "fails"} == FAULTS[run]


def test_a_declared_biased_variance_deviates_within_its_own_bound() -> None:
    tallies = searched(implementation(biased, Dialect(running_var="biased")), *NEW, examples=10)
    deviating = {name for name, verdict in verdicts(tallies).items() if verdict == "deviates"}
    assert deviating == set(VARIANCES)
    assert all(0 < tallies[name].alternative_ratio <= 1 for name in VARIANCES)


def test_a_declared_biased_variance_that_is_none_fails() -> None:
    tallies = searched(implementation(correct, Dialect(running_var="biased")), *VARIANCES, examples=10)
    assert set(verdicts(tallies).values()) == {"fails"}


def test_what_is_not_offered_is_not_judged() -> None:
    tallies = searched(implementation(without("running_mean", "running_var")), *NEW, examples=5)
    assert set(verdicts(tallies).values()) == {"unsupported"}
    assert all(any(one.words.endswith("not offered") for one in tally.missing) for tally in tallies.values())


def test_momenta_that_are_kept_in_float32_are_given_in_float32() -> None:
    def short(case: Case) -> Outcome:
        return correct(replace(case, momentum=float(np.float32(case.momentum))))

    def of_the_old(case: Case) -> Outcome:
        return correct(replace(case, momentum=1 - float(np.float32(1 - case.momentum))))

    for kept in (short, of_the_old):
        declared = searched(implementation(kept, Dialect(attribute_dtype="float32")), *POPULATION, dtype="float64")
        assert set(verdicts(declared).values()) == {"conforms"}
        assert set(verdicts(searched(implementation(kept), *POPULATION, dtype="float64")).values()) == {"fails"}
