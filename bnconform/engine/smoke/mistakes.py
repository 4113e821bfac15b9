"""Mistakes that are the adapter's alone: right values in the wrong place, and right answers to another question.

Rules: each function looks for one mistake in one output that is wrong and names it in words, or says nothing; leftovers
of an earlier call are looked for only if the first call, with nothing before it, was answered rightly.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from itertools import permutations

import numpy as np

from bnconform.contract.dialect import Dialect
from bnconform.contract.outcome import ELEMENTWISE
from bnconform.engine.smoke.answers import Answer, answers_to, elsewhere, sum_of
from bnconform.oracle.bounds import Bound
from bnconform.oracle.expected import Expected
from bnconform.oracle.reference.reductions import Array

SETTINGS = (("eps",), ("momentum",), ("gamma", "beta"), ("eps", "gamma", "beta"))
"""Fields that an adapter with a kept layer may leave as in the first call; each output depends on one of these."""


def mistake_in(answer: Answer, earlier: Sequence[Answer], dialect: Dialect) -> str:
    """Returns the adapter's mistake in a wrong output, with the place where it shows; "" for nothing."""
    for name in answer.wrong:
        words = misplaced(answer, name) or kept(answer, earlier, name, dialect)
        if words:
            return f"{answer.first_difference(name)}: {words}"
    return ""


def misplaced(answer: Answer, name: str) -> str:
    """Tells values that are right, in another order of axes."""
    if name not in ELEMENTWISE:
        return ""
    shape, rank = answer.case.x.shape, answer.case.x.ndim
    for order in list(permutations(range(rank)))[1:]:
        if answer.lies_at(name, elsewhere(answer.right[name], _reordered(order, shape))):
            return f"its values are right but stand in the order of the axes {order}"
    return ""


def _reordered(order: tuple[int, ...], shape: tuple[int, ...]) -> Callable[[Array], Array]:
    return lambda array: array.transpose(order).reshape(shape)


def read_by_another_axis(answer: Answer, dialect: Dialect) -> str:
    """Tells the right answer to a bare case with its channels on an axis that was not asked for."""
    case = answer.case
    asked = case.axis % case.x.ndim
    for axis in (1, case.x.ndim - 1, *range(case.x.ndim)):
        there = answers_to(replace(case, axis=axis), dialect)
        if axis != asked and "y" in answer.found and answer.lies_at("y", there["y"]):
            at = answer.first_difference("y")
            return f"{at}: it is right for channels on axis {axis}; expected those of axis {case.axis}, or Unsupported"
    return ""


def kept(answer: Answer, earlier: Sequence[Answer], name: str, dialect: Dialect) -> str:
    """Tells the leftovers of an earlier call with an x of the same shape."""
    before = [one for one in earlier if name in one.found]
    if not before or name in before[0].wrong:
        return ""
    for one in before:
        if (one.case.x.shape, one.case.axis) == (answer.case.x.shape, answer.case.axis) and name not in one.wrong:
            for words, slip in _left_of(one, answer, name, dialect):
                if answer.lies_at(name, slip):
                    return words
    return ""


def _left_of(one: Answer, answer: Answer, name: str, dialect: Dialect) -> Iterator[tuple[str, Expected]]:
    """Yields the value of `name` with something left of the earlier call `one`, and the words for that leftover."""
    if not np.array_equal(one.case.x, answer.case.x):
        yield "it is that of an earlier call, with other inputs", one.right[name]
    if name.startswith("d"):
        yield "that of an earlier call was added to it", sum_of(answer.right[name], one.right[name])
    if answer.case.mode == "infer" and "running_var" in one.right:
        given = {field: one.right[field].value.astype(answer.case.x.dtype) for field in ("running_mean", "running_var")}
        case = replace(answer.case, **given)  # type: ignore[arg-type]
        yield "it is right for the running statistics that an earlier call returned", answers_to(case, dialect)[name]
    for names in SETTINGS if 0 < one.case.momentum < 1 else ():  # a formula can leave out what the others weigh
        case = replace(answer.case, **{field: getattr(one.case, field) for field in names})
        yield f"it is right for the {' and '.join(names)} of an earlier call", answers_to(case, dialect)[name]
    if name.startswith("running") and answer.case.mode == one.case.mode == "train":
        yield "it went on from what an earlier call had returned", _gone_on(one, answer, name)


def _gone_on(one: Answer, answer: Answer, name: str) -> Expected:
    """Returns a running statistic that starts where that of an earlier call ended."""
    started: Array = getattr(answer.case, name).astype(np.float64)
    before = one.right[name]
    share = 1 - answer.case.momentum
    moved = Bound(share * before.within.allowance, before.within.scale)
    return sum_of(answer.right[name], Expected(name, share * (before.value - started), moved))


def overwritten(names: Sequence[str]) -> bool:
    """Returns whether these arrays, which were written to, are only those that frameworks document that they update."""
    return bool(names) and set(names) <= {"running_mean", "running_var"}
