"""Each relation of training is kept by right implementations in every dtype and broken by one wrong in its way.

Relations of memory and execution have a file of their own, test_invariances_memory.py.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from worlds import wrong_ways as ways
from worlds.drawing import DTYPES
from worlds.miniatures import CORRECT, Mathematics
from worlds.searches import SPECS, implementation, miniature, searched

from bnconform import Case, Outcome, Unsupported

CHAPTER = [one.id for one in SPECS.values() if one.chapter == "invariances" and one.given.manner == "plain"]


def favours_the_first_example(case: Case) -> Outcome:
    found = ways.correct(case)
    first = np.arange(case.x.shape[0]).reshape([-1] + [1] * (case.x.ndim - 1)) == 0
    return replace(found, y=(found.y * np.where(first, 1.5, 1.0)).astype(case.x.dtype))


CATCHES = {
    "ignores_a_shift_of_the_input": ways.of(Mathematics(forgets_the_mean=True)),
    "weighs_epsilon_as_a_variance": ways.of(Mathematics(epsilon_outside=True)),
    "follows_the_order_of_the_batch": favours_the_first_example,
    "ignores_a_repeated_batch": ways.of(Mathematics(correction=1)),
    "ignores_a_scale_of_the_input": ways.of(Mathematics(epsilon_outside=True)),
    "mirrors_its_input": ways.rectifies_first,
    "keeps_channels_apart": ways.one_variance_for_all_channels,
    "treats_channels_alike": ways.favours_the_first_channel,
    "repeats_itself": ways.never_twice_the_same(),
    "needs_no_cotangent": ways.moves_its_averages_for_gradients_only,
    "ignores_the_running_statistics_in_training": ways.normalizes_by_what_it_keeps,
}
BLIND = ("ignores_a_shift_of_the_input", "follows_the_order_of_the_batch", "treats_channels_alike", "repeats_itself")
"""Relations that a wrong variance keeps as well as a right one."""


def test_every_relation_of_the_chapter_is_tried() -> None:
    assert set(CATCHES) == set(CHAPTER)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", CORRECT)
def test_a_right_one_keeps_every_relation(name: str, dtype: str) -> None:
    tallies = searched(miniature(name), *CHAPTER, dtype=dtype)
    assert {one: tally.verdict for one, tally in tallies.items()} == dict.fromkeys(CHAPTER, "conforms")
    assert all(tally.claimed > 0 and tally.ratio <= 1 for tally in tallies.values())


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("spec", CATCHES)
def test_a_wrong_one_fails_by_the_relation_that_it_breaks(spec: str, dtype: str) -> None:
    tally = searched(implementation(CATCHES[spec]), spec, dtype=dtype, examples=20)[spec]
    assert tally.verdict == "fails"
    assert tally.ratio > 1


def test_a_relation_is_blind_to_faults_that_both_runs_share() -> None:
    tallies = searched(implementation(ways.of(Mathematics(correction=1))), *BLIND)
    assert {one: tally.verdict for one, tally in tallies.items()} == dict.fromkeys(BLIND, "conforms")


def now_and_then_another(mode: str, chance: float, seed: int) -> Callable[[Case], Outcome]:
    """Returns an implementation whose y is another in its last bits, within the bound, by chance in one mode."""
    rng = random.Random(seed)

    def run(case: Case) -> Outcome:
        found = ways.correct(case)
        if case.mode != mode or rng.random() >= chance:
            return found
        return replace(found, y=np.nextafter(found.y, np.float32(np.inf)))

    return run


@pytest.mark.parametrize("mode", ["train", "infer"])
def test_last_bits_that_vary_once_in_a_hundred_calls_are_seen_in_either_mode(mode: str) -> None:
    spec = "repeats_itself"
    found = [
        searched(implementation(now_and_then_another(mode, 0.01, seed)), spec, examples=100)[spec] for seed in range(5)
    ]
    assert [one.verdict for one in found] == ["fails"] * 5
    assert all("of the second run" in str(one.shown_quantity) for one in found)


def test_an_implementation_without_inference_repeats_itself_in_training() -> None:
    def trains_only(case: Case) -> Outcome:
        if case.mode == "infer":
            raise Unsupported("training only")
        return ways.correct(case)

    assert searched(implementation(trains_only), "repeats_itself")["repeats_itself"].verdict == "conforms"
