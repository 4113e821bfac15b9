"""Specs of layouts that differ from array to array: what is right keeps them, what is wrong breaks them alone."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from worlds.drawing import DTYPES
from worlds.miniatures import CORRECT
from worlds.searches import SPECS, correct, implementation, searched, verdicts, words
from worlds.wrong_ways import of

from bnconform import Case, Outcome
from bnconform.cases.delivery import APART
from bnconform.engine.tally import Tally

Run = Callable[[Case], Outcome]
EACH, REPEATED = "reads_each_array_where_it_lies", "reads_a_repeated_gradient_from_one_place"
BUFFER, EACH_IN_INFERENCE = "reads_arrays_that_share_a_buffer", "infers_from_each_array_where_it_lies"
BUFFER_IN_INFERENCE = "infers_from_arrays_that_share_a_buffer"
CHAPTER = tuple(one.id for one in SPECS.values() if one.chapter == "memory")
OF_ALL = ("reads_every_order_of_memory", "leaves_its_inputs_as_they_are")
"""Specs on memory in which all arrays lie alike, or are plain and watched."""


def judged(run: Run, *ids: str, dtype: str = "float32", examples: int = 90) -> dict[str, Tally]:
    """Judges what runs `run` where a case is laid out; plain, from a pipe, it would arrive in C order."""

    def laid_out(case: Case) -> Outcome:
        return correct(case) if case.memory == "plain" else run(case)

    return searched(implementation(laid_out, features={"memory"}), *ids, dtype=dtype, examples=examples)


def buffer(array: np.ndarray) -> np.ndarray:
    """Returns the memory that `array` is a part of, as one row of its elements."""
    return np.ravel(array if array.base is None else array.base, order="K")


def is_dense(array: np.ndarray) -> bool:
    return buffer(array).size == array.size and min(array.strides) > 0


def reads_dy_as_x_lies(case: Case) -> Outcome:
    """Takes one path through memory for both, chosen by the layout of x."""
    if case.dy is None or not is_dense(case.dy) or not case.x.flags.forc:
        return correct(case)
    order = "C" if case.x.flags.c_contiguous else "F"
    return correct(replace(case, dy=buffer(case.dy).reshape(case.dy.shape, order=order)))


def assumes_a_full_gradient(case: Case) -> Outcome:
    """Reads a value for each element from the start of dy on; behind its last value there are zeros here."""
    if case.dy is None or 0 not in case.dy.strides:
        return correct(case)
    behind = np.zeros(case.dy.size, case.dy.dtype)
    behind[: buffer(case.dy).size] = buffer(case.dy)
    return correct(replace(case, dy=behind.reshape(case.dy.shape)))


def centres_x_in_place(case: Case) -> Outcome:
    """Subtracts the mean where x lies, and puts x back before it returns: nobody sees it but who overlaps."""
    if case.dy is None or not np.shares_memory(case.x, case.dy):
        return correct(case)
    written = buffer(case.x).copy()
    x, dy = (part.reshape(case.x.shape) for part in (written[:-1], written[1:]))
    with np.errstate(all="ignore"):
        x -= x.mean(axis=tuple(i for i in range(x.ndim) if i != case.axis % x.ndim), keepdims=True)
    return correct(replace(case, dy=dy))


def takes_vectors_for_contiguous(case: Case) -> Outcome:
    """Looks whether x is contiguous and reads γ and the averages with the stride 1 then."""
    if not case.x.flags.c_contiguous:
        return correct(case)
    found = {name: getattr(case, name) for name in ("gamma", "running_mean", "running_var")}
    return correct(replace(case, **{name: None if one is None else from_first(one) for name, one in found.items()}))


def from_first(vector: np.ndarray) -> np.ndarray:
    if vector.size < 2 or vector.strides[0] == vector.itemsize:
        return vector
    start = (vector.ctypes.data - buffer(vector).ctypes.data) // vector.itemsize
    return buffer(vector)[start : start + vector.size]


def begins_where_the_buffer_does(case: Case) -> Outcome:
    """Forgets the offset of a contiguous slice."""
    if not case.x.flags.c_contiguous or buffer(case.x).dtype != case.x.dtype:
        return correct(case)
    return correct(replace(case, x=buffer(case.x)[: case.x.size].reshape(case.x.shape)))


def ignores_the_sign_of_the_first_stride(case: Case) -> Outcome:
    first, *others = case.x.strides
    return correct(replace(case, x=case.x[::-1]) if first < 0 < min(others) else case)


def knows_channels_last_in_rank_4_alone(case: Case) -> Outcome:
    x = case.x
    last = x.shape[0] > 1 and x.strides[1] == x.itemsize and x.strides[-1] == x.itemsize * x.shape[1] and is_dense(x)
    if x.ndim == 4 or case.axis != 1 or not last:
        return correct(case)
    return correct(replace(case, x=buffer(x).reshape(x.shape)))


WRONG: list[tuple[Run, set[str]]] = [
    (reads_dy_as_x_lies, {EACH, EACH_IN_INFERENCE}),
    (assumes_a_full_gradient, {REPEATED, EACH_IN_INFERENCE}),
    (centres_x_in_place, {BUFFER, BUFFER_IN_INFERENCE}),
    (takes_vectors_for_contiguous, {BUFFER, BUFFER_IN_INFERENCE}),
    (begins_where_the_buffer_does, {BUFFER, BUFFER_IN_INFERENCE}),
    (ignores_the_sign_of_the_first_stride, {EACH, EACH_IN_INFERENCE}),
    (knows_channels_last_in_rank_4_alone, {EACH, EACH_IN_INFERENCE}),
]


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", ["in_order", "pairwise"])
def test_what_is_right_conforms_however_it_adds_up(name: str, dtype: str) -> None:
    tallies = judged(of(CORRECT[name]), *CHAPTER, dtype=dtype, examples=100)
    assert verdicts(tallies) == dict.fromkeys(CHAPTER, "conforms")
    assert all(tally.claimed > 0 and tally.ratio <= 1 for tally in tallies.values())


def test_another_order_of_the_sums_where_arrays_lie_apart_is_within_the_bounds() -> None:
    def as_it_lies(case: Case) -> Outcome:
        return of(CORRECT["in_order" if case.memory == "plain" else "reversed"])(case)

    tallies = judged(as_it_lies, *CHAPTER, examples=60)
    assert verdicts(tallies) == dict.fromkeys(CHAPTER, "conforms")
    assert tallies[REPEATED].ratio > 0


@pytest.mark.parametrize(
    ("dtype", "run", "specs"), [(dtype, *one) for dtype, one in zip(DTYPES * 2, WRONG, strict=False)]
)
def test_what_is_wrong_in_that_way_fails_and_breaks_no_other_spec_of_memory(
    dtype: str, run: Run, specs: set[str]
) -> None:
    tallies = judged(run, *CHAPTER, *OF_ALL, dtype=dtype)
    failing = {one for one, tally in tallies.items() if tally.verdict == "fails"}
    assert failing <= specs
    assert failing & {EACH, REPEATED, BUFFER}
    witnesses = [failure.case for one in failing if (failure := tallies[one].failure) is not None]
    assert {case.memory in APART for case in witnesses} == {True}
    assert min(case.x.size for case in witnesses) <= 40


def test_who_names_no_feature_is_not_asked() -> None:
    tallies = searched(implementation(correct), *CHAPTER, examples=5)
    assert {tally.verdict for tally in tallies.values()} == {"unsupported"}
    assert words(tallies[EACH]) == {"memory: not among its features"}


def test_every_way_to_lie_apart_is_met() -> None:
    asked: list[Case] = []

    def run(case: Case) -> Outcome:
        asked.append(case)
        return correct(case)

    judged(run, *CHAPTER, examples=100)
    ways = [case.memory for case in asked if case.memory != "plain"]
    assert all(ways.count(way) >= 2 for way in APART)
