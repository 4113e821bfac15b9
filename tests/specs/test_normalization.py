"""Each spec of normalization is kept by right implementations in every dtype, and broken by one wrong in its way."""

from __future__ import annotations

from dataclasses import replace

import pytest
from worlds import wrong_ways as ways
from worlds.drawing import DTYPES
from worlds.miniatures import CORRECT, Mathematics
from worlds.searches import SPECS, implementation, miniature, searched

from bnconform import Case, Outcome

STEPS = "normalizes_each_time_step_alone"
CHAPTER = [one.id for one in SPECS.values() if one.chapter == "normalization"]


def unbiased_without_averages(case: Case) -> Outcome:
    return ways.of(Mathematics(correction=1 if case.running_mean is None else 0))(case)


def scales_the_shift_too(case: Case) -> Outcome:
    """Gives γ·(h + β)."""
    if case.gamma is None or case.beta is None:
        return ways.correct(case)
    return ways.correct(replace(case, beta=case.gamma * case.beta))


CATCHES = {
    "normalizes_by_the_batch": ways.of(Mathematics(correction=1)),
    "needs_no_running_statistics": unbiased_without_averages,
    "centres_on_the_batch_mean": ways.of(Mathematics(forgets_the_mean=True)),
    "divides_by_the_biased_variance": ways.of(Mathematics(correction=1)),
    "adds_epsilon_inside_the_root": ways.of(Mathematics(epsilon_outside=True)),
    "scales_and_shifts": scales_the_shift_too,
    "has_normalized_moments": ways.of(Mathematics(correction=1)),
    "restores_its_input": ways.of(Mathematics(epsilon_outside=True)),
    "falls_short_of_its_input_without_epsilon_in_the_scale": ways.of(Mathematics(epsilon_outside=True)),
    "sets_the_moments_of_its_output": ways.of(Mathematics(correction=1)),
    "takes_a_feature_map_as_one_feature": ways.each_pixel_alone,
    "follows_the_channel_axis": ways.only_the_usual_axes,
    "follows_the_listing": ways.of(Mathematics(forgets_the_mean=True)),
    STEPS: ways.favours_the_first_channel,
}


def ranks(spec: str) -> set[int]:
    """Returns the ranks in which a spec compares anything: sequences for that of time steps."""
    return {3} if spec == STEPS else {2, 3, 4, 5}


def test_every_spec_of_the_chapter_is_tried() -> None:
    assert set(CATCHES) == set(CHAPTER)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", CORRECT)
def test_a_right_one_keeps_every_spec(name: str, dtype: str) -> None:
    right = miniature(name)
    tallies = searched(right, *(one for one in CHAPTER if one != STEPS), dtype=dtype)
    tallies |= searched(replace(right, ranks={3}), STEPS, dtype=dtype)
    assert {one: tally.verdict for one, tally in tallies.items()} == dict.fromkeys(CHAPTER, "conforms")
    assert all(tally.claimed > 0 and tally.ratio <= 1 for tally in tallies.values())


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("spec", CATCHES)
def test_a_wrong_one_fails_by_the_spec_that_states_it(spec: str, dtype: str) -> None:
    wrong = implementation(CATCHES[spec], ranks=ranks(spec))
    tally = searched(wrong, spec, dtype=dtype, examples=20)[spec]
    assert tally.verdict == "fails"
    assert tally.ratio > 1


def test_another_use_of_the_shift_alone_is_no_matter_of_the_statistics() -> None:
    tallies = searched(implementation(scales_the_shift_too), "has_normalized_moments", "scales_and_shifts")
    assert {one: tally.verdict for one, tally in tallies.items()} == {
        "has_normalized_moments": "conforms",
        "scales_and_shifts": "fails",
    }
