"""Specs of memory and execution: what is right keeps them in every dtype, what is wrong is told by its spec."""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from dataclasses import replace
from functools import partial

import numpy as np
import pytest
from worlds.drawing import DTYPES
from worlds.miniatures import CORRECT, Mathematics
from worlds.searches import SPECS, Here, correct, words
from worlds.wrong_ways import of

from bnconform import Case, Implementation, Outcome
from bnconform.cases.delivery import STORED
from bnconform.cases.shapes import POOL
from bnconform.contract.implementation import Described
from bnconform.contract.reply import Raised
from bnconform.engine.runner import Runner
from bnconform.engine.search import search
from bnconform.engine.tally import Effort, Tally
from bnconform.engine.target import Target

Run = Callable[[Case], Outcome]
ORDER, BYTES = "reads_every_order_of_memory", "reads_misaligned_and_swapped_bytes"
SHARED, INPUTS = "takes_one_array_for_scale_and_shift", "leaves_its_inputs_as_they_are"
EAGER = "computes_the_same_uncompiled"
CHAPTER = (ORDER, BYTES, SHARED, INPUTS, EAGER)


def judged(run: Run, *ids: str, dtype: str = "float32", examples: int = 30, **more: object) -> dict[str, Tally]:
    given: dict[str, object] = {"features": {"memory", "eager"}, "dtypes": DTYPES} | more
    host = Here(Implementation(name="bn.norm", run=run, **given))  # type: ignore[arg-type]
    target = Target(implementation=Described.of(host.implementation), dtype=dtype)
    runner = Runner(lambda: host, "bn.norm", host.implementation.features)
    tallies: dict[str, Tally] = {}
    for family in {SPECS[name].given for name in ids}:
        members = [SPECS[name] for name in ids if SPECS[name].given == family]
        tallies |= search(members, target, runner, Effort(examples=examples))
    return tallies


def whole(array: np.ndarray) -> np.ndarray:
    """Returns the memory that `array` is a part of, as one row of its elements."""
    return np.ravel(array if array.base is None else array.base, order="K")


def walks_without_strides(case: Case) -> Outcome:
    if case.memory not in ("reversed", "strided", "backwards"):
        return correct(case)
    return correct(replace(case, x=whole(case.x)[: case.x.size].reshape(case.x.shape)))


def rounds_an_address_down(case: Case) -> Outcome:
    if case.memory != "misaligned":
        return correct(case)
    return correct(replace(case, x=whole(case.x)[:-1].view(case.x.dtype).reshape(case.x.shape)))


def takes_any_bytes_for_its_own(case: Case) -> Outcome:
    native = case.x.dtype.type  # without a byte order
    return correct(replace(case, x=case.x.view(native), dy=None, running_mean=None, running_var=None))


def knows_parameters_by_their_address(case: Case) -> Outcome:
    """Adds up the gradients of what is one array, as a tape does that remembers arrays and not their roles."""
    found = correct(case)
    if case.gamma is None or case.beta is None or not np.shares_memory(case.gamma, case.beta):
        return found
    both = found.dgamma + found.dbeta
    return replace(found, dgamma=both, dbeta=both)


def writes_to(name: str) -> Run:
    """Returns what is right but for one byte, which it flips behind NumPy's back."""

    def wrong(case: Case) -> Outcome:
        found, array = correct(case), getattr(case, name)
        if array is not None and case.watched:  # whoever is not watched would change the case of the search itself
            byte = ctypes.c_uint8.from_address(array.ctypes.data)
            byte.value ^= 1
        return found

    return wrong


def divides_by_one_less_when_not_compiled(case: Case) -> Outcome:
    return of(Mathematics(correction=1))(case) if case.eager else correct(case)


WRONG: list[tuple[Run, str]] = [
    (walks_without_strides, ORDER),
    (rounds_an_address_down, BYTES),
    (takes_any_bytes_for_its_own, BYTES),
    (knows_parameters_by_their_address, SHARED),
    (writes_to("x"), INPUTS),
    (writes_to("beta"), INPUTS),
    (writes_to("dy"), INPUTS),
    (divides_by_one_less_when_not_compiled, EAGER),
]


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", ["in_order", "reversed", "pairwise", "welford", "chan"])
def test_what_is_right_conforms_however_it_adds_up(name: str, dtype: str) -> None:
    tallies = judged(of(CORRECT[name]), *CHAPTER, dtype=dtype, examples=20)
    assert {one: tally.verdict for one, tally in tallies.items()} == dict.fromkeys(CHAPTER, "conforms")
    assert all(tally.claimed > 0 and tally.ratio <= 1 for tally in tallies.values())


def test_another_order_of_the_sums_in_other_memory_is_within_the_bounds() -> None:
    def as_it_lies(case: Case) -> Outcome:
        return of(CORRECT["in_order" if case.memory == "plain" and not case.eager else "reversed"])(case)

    tallies = judged(as_it_lies, *CHAPTER, examples=60)
    assert {one: tally.verdict for one, tally in tallies.items()} == dict.fromkeys(CHAPTER, "conforms")
    assert tallies[ORDER].ratio > 0


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(("run", "spec"), WRONG)
def test_what_is_wrong_in_that_way_fails(run: Run, spec: str, dtype: str) -> None:
    tallies = judged(run, *CHAPTER, dtype=dtype, examples=40)
    assert {one for one, tally in tallies.items() if tally.verdict == "fails"} == {spec}
    assert tallies[spec].ratio > 1


@pytest.mark.parametrize(("run", "spec"), WRONG)
def test_a_witness_is_small_and_asks_for_the_same(run: Run, spec: str) -> None:
    failure = judged(run, spec, examples=40)[spec].failure
    assert failure is not None
    assert failure.case.x.size <= 16
    assert set(failure.case.flags) == {{INPUTS: "watched", EAGER: "eager"}.get(spec, "memory")}


def test_a_write_is_named() -> None:
    failure = judged(writes_to("beta"), INPUTS)[INPUTS].failure
    assert failure is not None
    assert isinstance(failure.judged.reply, Raised)
    assert failure.judged.reply.type == "InputOverwritten"
    assert "wrote to beta" in failure.judged.reply.message


def test_who_names_no_feature_is_only_watched() -> None:
    asked: list[Case] = []

    def run(case: Case) -> Outcome:
        asked.append(case)
        return correct(case)

    tallies = judged(run, *CHAPTER, examples=10, features=set())
    verdicts = {one: tally.verdict for one, tally in tallies.items()}
    assert verdicts == {**dict.fromkeys(CHAPTER, "unsupported"), INPUTS: "conforms"}
    assert words(tallies[ORDER]) == {"memory: not among its features"}
    assert words(tallies[EAGER]) == {"eager: not among its features"}
    assert all(case.watched for case in asked)


def test_every_kind_of_memory_is_met_and_few_cases_are_uncompiled() -> None:
    asked: list[Case] = []

    def run(case: Case) -> Outcome:
        asked.append(case)
        return correct(case)

    judged(run, ORDER, examples=100)
    kinds = [case.memory for case in asked if case.memory != "plain"]
    assert all(kinds.count(memory) >= 8 for memory in STORED)
    asked.clear()
    judged(run, EAGER, examples=100, compiled=True)
    eager = [case for case in asked if case.eager]
    assert 5 <= len(eager) <= 8
    assert {case.x.shape for case in eager} == {POOL[2][1].shape}


def test_a_nan_of_the_plain_case_is_no_difference() -> None:
    def not_a_number(case: Case) -> Outcome:
        found = correct(case)
        return replace(found, y=np.where(np.arange(case.x.size).reshape(case.x.shape) == 0, np.nan, found.y))

    def first_stored(case: Case) -> Outcome:
        return correct(case) if case.memory == "plain" else not_a_number(case)

    both = partial(judged, dtype="float64")
    assert both(not_a_number, ORDER)[ORDER].verdict == "conforms"
    assert both(first_stored, ORDER)[ORDER].verdict == "fails"
