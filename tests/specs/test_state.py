"""Each spec of layers with a state can fail, and layers that are right under their Dialect keep it in every dtype."""

from __future__ import annotations

import pytest
from worlds.drawing import DTYPES
from worlds.layers import KINDS, SUMS, Layer, layer
from worlds.searches import SPECS, Here, correct, implementation

from bnconform import Implementation
from bnconform.contract.implementation import Described
from bnconform.engine.runner import Runner
from bnconform.engine.search import search
from bnconform.engine.tally import Effort, Tally
from bnconform.engine.target import Target

CHAPTER = [one for one in SPECS.values() if one.chapter == "state"]
BEGINS, FIRST = "begins_with_no_mean_and_unit_variance", "infers_by_its_initial_values"
RECURRENCE, POPULATION = "follows_its_own_recurrence", "averages_all_batches_by_its_own_count"
INFERS = "infers_by_what_its_state_holds"


def judged(about: Implementation, dtype: str = "float32", examples: int = 15) -> dict[str, Tally]:
    host = Here(about)
    target = Target(implementation=Described.of(about), dtype=dtype)
    return search(CHAPTER, target, Runner(lambda: host, about.name, about.features), Effort(examples=examples))


def failing(about: Implementation, dtype: str = "float32") -> set[str]:
    return {name for name, tally in judged(about, dtype).items() if tally.verdict == "fails"}


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("sums", SUMS)
@pytest.mark.parametrize("kind", KINDS)
def test_a_right_layer_keeps_every_spec(kind: str, sums: str, dtype: str) -> None:
    for name, tally in judged(layer(Layer(kind=kind, how=SUMS[sums])), dtype, examples=8).items():
        unasked = (name in (BEGINS, FIRST) and kind in KINDS[2:]) or (name == POPULATION and kind != "cumulative")
        assert (name, tally.verdict, tally.ratio <= 1) == (name, "unsupported" if unasked else "conforms", True)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("declared", KINDS)
@pytest.mark.parametrize("kind", KINDS)
def test_a_layer_is_right_under_its_own_dialect_only(kind: str, declared: str, dtype: str) -> None:
    told = {RECURRENCE, POPULATION} if declared == "cumulative" else {RECURRENCE}
    assert failing(layer(Layer(kind=kind), declared), dtype) & {RECURRENCE, POPULATION} == (
        set() if kind == declared else told
    )


WRONG = {
    "a counter of a cumulative average that begins at one": (
        Layer(kind="cumulative", first_count=1),
        {RECURRENCE, POPULATION},
    ),
    "a counter of a debiased average that begins at one": (Layer(kind="debiased", first_count=1), {RECURRENCE}),
    "a counter that counts inference": (Layer(kind="debiased", counts_inference=True), {INFERS}),
    "a variance that begins at zero": (Layer(start=(0.0, 0.0)), {BEGINS, FIRST, RECURRENCE}),
    "a mean that begins at one": (Layer(start=(1.0, 1.0)), {BEGINS, FIRST, RECURRENCE}),
    "a state that is forgotten": (Layer(forgets_its_state=True), {RECURRENCE, INFERS}),
    "inference without the averages": (Layer(infers_by_the_last_batch=True), {INFERS}),
}


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_layer_fails_by_the_specs_that_state_it(name: str, dtype: str) -> None:
    wrong, expected = WRONG[name]
    assert failing(layer(wrong), dtype) == expected


def test_an_implementation_without_a_state_is_not_asked() -> None:
    host = Here(implementation(correct))
    target = Target(implementation=Described.of(host.implementation), dtype="float32")
    tallies = search(CHAPTER, target, Runner(lambda: host, "bn.norm"), Effort(examples=3))
    assert {tally.verdict for tally in tallies.values()} == {"unsupported"}
    assert not host.asked
