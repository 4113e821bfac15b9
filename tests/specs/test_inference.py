"""Each spec of inference can fail, and right implementations keep it in every dtype."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from worlds import miniatures
from worlds.drawing import DTYPES
from worlds.searches import correct, implementation, miniature, searched, verdicts, without

from bnconform import Case, Outcome

OWN_STATE = ("infers_by_what_training_averaged", "drifts_from_training_by_r_and_d")
FOLDS = ("folds_into_one_linear_map", "folds_into_the_layer_before")
NEW = (*FOLDS, "infers_a_single_example", *OWN_STATE)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", miniatures.CORRECT)
def test_a_correct_one_keeps_every_spec(name: str, dtype: str) -> None:
    for tally in searched(miniature(name), *NEW, dtype=dtype, examples=12).values():
        assert (tally.spec.id, tally.verdict, tally.ratio <= 1) == (tally.spec.id, "conforms", True)


def saturating(case: Case) -> Outcome:
    """Cuts the normalized values of inference off at ±1, so that it is no linear map."""
    found = correct(case)
    return found if case.mode == "train" else replace(found, y=np.clip(found.y, -1, 1))


def one_at_a_time(case: Case) -> Outcome:
    """Normalizes a batch of one example as training would, by its own statistics."""
    return correct(replace(case, mode="train") if case.mode == "infer" and case.x.shape[0] == 1 else case)


def deviation_for_variance(case: Case) -> Outcome:
    """Takes the running variance for a standard deviation in inference."""
    return correct(case if case.mode == "train" else replace(case, running_var=case.running_var**2))


def unbiased_in_training(case: Case) -> Outcome:
    with np.errstate(all="ignore"):
        return miniatures.run(miniatures.Mathematics(correction=1), case)


FAULTS: dict[Callable[[Case], Outcome], set[str]] = {
    saturating: set(NEW) - {"infers_a_single_example"},
    one_at_a_time: set(NEW),  # some of the cases hold one example only
    deviation_for_variance: {*FOLDS, *OWN_STATE},
    unbiased_in_training: {"drifts_from_training_by_r_and_d"},
}


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("run", FAULTS)
def test_a_wrong_one_fails_by_the_specs_that_state_it(run: Callable[[Case], Outcome], dtype: str) -> None:
    tallies = searched(implementation(run), *NEW, dtype=dtype)
    assert {name for name, verdict in verdicts(tallies).items() if verdict == "fails"} == FAULTS[run]


def test_what_is_not_offered_is_not_judged() -> None:
    assert set(verdicts(searched(implementation(without("y")), *NEW, examples=5)).values()) == {"unsupported"}
    tallies = searched(implementation(without("running_mean")), *NEW, examples=12)
    assert {name for name, verdict in verdicts(tallies).items() if verdict == "unsupported"} == set(OWN_STATE)
