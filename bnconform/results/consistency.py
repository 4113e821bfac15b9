"""The fit of a record's parts where a schema cannot state it: sizes of arrays, the axis, the dtypes of a score.

Rule: only that is asked which a reader relies on; arrays of odd sizes are left out of a page and refuse no record.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

CASE_ARRAYS = ("x", "gamma", "beta", "running_mean", "running_var", "dy", "bias", "between", "held_gamma", "held_beta",
               "earlier")  # fmt: skip
COMPARED_ARRAYS = ("actual_values", "expected_values", "bound_values")
DEEPEST = 32
"""Levels of lists in an array: as many axes as every NumPy allows."""
MOST_VALUES = 1_000_000
"""Values of one array."""


def contradiction(record: dict[str, Any]) -> str:
    """Returns in words where a record that fits its schema contradicts itself; "" where it does not."""
    if record["kind"] == "run":
        return _of_selftest(record.get("selftest") or {"faults": (), "caught": ()})
    detail = (record.get("detail") or {}) if record["kind"] == "finding" else {}
    parts = (("detail", detail), ("detail.shown", detail.get("shown") or {}))
    words = (words for place, part in parts for words in _of_witness(place, part))
    answer = detail.get("shown") or {}
    return next(words, "") or (next(_of_answer("detail.shown", answer), "") if answer.get("output") else "")


def _of_selftest(score: dict[str, Any]) -> str:
    lacking = [dtype for dtype in score["faults"] if dtype not in score["caught"]]
    return f"selftest.caught lacks {lacking[0]!r:.60}; expected every dtype of selftest.faults" if lacking else ""


def _of_witness(place: str, witness: dict[str, Any]) -> Iterator[str]:
    """Yields what is wrong in a case and the arrays that were compared."""
    case = witness.get("case")
    arrays = {f"{place}.{name}": witness.get(name) for name in COMPARED_ARRAYS}
    arrays |= {f"{place}.case.{name}": case.get(name) for name in CASE_ARRAYS} if case else {}
    for where, values in arrays.items():
        size, depth = extent(values)
        if depth > DEEPEST:
            yield f"{where} is nested in more than {DEEPEST} levels; expected a level for each axis, at most so many"
        if size > MOST_VALUES:
            yield f"{where} has {size:,} values; expected at most {MOST_VALUES:,}"
    yield from _pointed(f"{place}.index", witness.get("index"))
    if case:
        yield from _of_case(f"{place}.case", case)


def _of_answer(place: str, answer: dict[str, Any]) -> Iterator[str]:
    """Yields a complaint where what was returned and what is due, which are shown side by side, do not match."""
    actual, expected = answer["actual_values"], answer["expected_values"]
    if actual is None or expected is None:
        yield f"{place} lacks the values of {answer['output']!r:.60}; expected those returned and those due"
    got, due = extent(actual)[0], extent(expected)[0]
    if got != due:
        yield f"{place}.expected_values has {due:,} values; expected the {got:,} of {place}.actual_values"


def _of_case(place: str, case: dict[str, Any]) -> Iterator[str]:
    shape, axis = case["shape"], case["axis"]
    yield from _pointed(f"{place}.shape", shape)
    yield from _pointed(f"{place}.axis", [axis])
    if not -len(shape) <= axis < len(shape):
        yield f"{place}.axis is {axis}; expected one of the {len(shape)} axes of {place}.shape"
    got, expected = extent(case["x"])[0], math.prod(shape)
    if got != expected:
        yield f"{place}.x has {got:,} values; expected the {expected:,} of {place}.shape"


def _pointed(place: str, numbers: list[Any] | None) -> Iterator[str]:
    """Yields a complaint where a number has a point: to JSON 1.0 is whole, as an index it is of no use."""
    for number in numbers or ():
        if isinstance(number, float):
            yield f"{place} has {number}; expected whole numbers, written without a point"


def extent(values: Any) -> tuple[int, int]:
    """Returns the number of values in nested lists, and of levels, of which it looks at no more than one too many."""
    level, size, depth = [values], 0, 0
    while level and depth <= DEEPEST:
        lists = [one for one in level if isinstance(one, list)]
        size += len(level) - len(lists)
        level = [item for one in lists for item in one]
        depth += bool(lists)
    return size, depth
