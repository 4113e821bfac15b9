"""The condition under which an implementation is wrong: what the failing ones of a small design of cases share.

Rules: the cases are ordinary, equal but for rank, layout, sign of γ and number of values; a condition is named only
where every failing case fulfils it and no passing one does; a number of values is narrowed down by asking. It is a hint
that says where to look, and decides no verdict.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from itertools import product
from typing import Literal

import numpy as np

from bnconform.cases.strategies import Traits
from bnconform.contract.case import Case
from bnconform.contract.dtypes import dtype_named

FEW, MANY = 8, 160
"""Values per channel of small and of large cases."""
CHANNELS = 3
LAST = -1


@dataclass(frozen=True)
class Condition:
    """A property of cases. words: what it is, to stand after "only where"."""

    words: str
    holds: Callable[[Case], bool]


EVERYWHERE = Condition("", lambda case: True)


def condition(traits: Traits, mode: Literal["train", "infer"], is_wrong: Callable[[Case], bool | None]) -> Condition:
    """Returns the condition under which cases are wrong; EVERYWHERE where none separates them.

    is_wrong: whether the answer to a case is wrong; None where it is not answered.
    """
    answers = [(case, wrong) for case in design(traits, mode) if (wrong := is_wrong(case)) is not None]
    failing = [case for case, wrong in answers if wrong]
    passing = [case for case, wrong in answers if not wrong]
    if not failing or not passing:
        return EVERYWHERE
    for one in _candidates([case for case, _ in answers]):
        if all(map(one.holds, failing)) and not any(map(one.holds, passing)):
            return one
    if min(case.rows for case in failing) > max(case.rows for case in passing):
        return _more_than(_narrowed(passing, failing, traits, mode, is_wrong))
    return EVERYWHERE


@cache
def design(traits: Traits, mode: Literal["train", "infer"]) -> tuple[Case, ...]:
    """Returns ordinary cases; those of few shapes alone, where each shape costs a compilation."""
    return tuple(_designed(traits, mode))


def _designed(traits: Traits, mode: Literal["train", "infer"]) -> Iterator[Case]:
    ranks = [rank for rank in (4, 2, 3, 5) if rank in traits.ranks]
    ranks = ranks[:2] if traits.compiled else ranks
    for rank, axis, rows, sign in product(ranks, (1, LAST), (FEW, MANY), (1.0, -1.0)):
        if rank > 2 or axis == 1:
            yield _case(traits, mode, rank=rank, axis=axis, rows=rows, sign=sign)


def _case(
    traits: Traits, mode: Literal["train", "infer"], *, rank: int, axis: int, rows: int, sign: float = 1.0
) -> Case:
    kind = dtype_named(traits.dtype)
    eps, momentum = traits.settled(2.0**-7, 0.25)
    rng = np.random.default_rng([rank, rows])
    extents = (
        (rows,) if rank == 2 else (rows // 4, *([1] * (rank - 3)), 4) if rows % 4 == 0 else (rows, *([1] * (rank - 2)))
    )
    shape = (*extents, CHANNELS) if axis == LAST else (extents[0], CHANNELS, *extents[1:])
    spread = np.array([0.5, 1.0, 2.0])

    def vector(values: np.ndarray) -> np.ndarray:
        return values.astype(kind)

    return Case(
        mode=mode,
        x=rng.normal(size=shape).astype(kind),
        gamma=vector(sign * spread),
        beta=vector(np.array([0.25, -1.0, 0.5])),
        running_mean=vector(np.array([0.5, -0.5, 0.0])),
        running_var=vector(np.array([1.0, 2.0, 0.5])),
        dy=rng.normal(size=shape).astype(kind),
        eps=eps,
        momentum=momentum,
        axis=axis,
    )


def _candidates(cases: Iterable[Case]) -> Iterator[Condition]:
    """Yields properties by which the cases differ."""
    for rank in sorted({case.x.ndim for case in cases}):
        yield Condition(f"x has {rank} axes", lambda case, rank=rank: case.x.ndim == rank)  # type: ignore[misc]
        yield Condition(f"x has other than {rank} axes", lambda case, rank=rank: case.x.ndim != rank)  # type: ignore[misc]
    yield Condition("x has more than two axes and channels last", lambda case: case.x.ndim > 2 and _is_last(case))
    yield Condition("channels are last", _is_last)
    yield Condition("channels are on axis 1 of more than two", lambda case: case.x.ndim > 2 and not _is_last(case))
    yield Condition("γ is negative", lambda case: bool((_gamma(case) < 0).all()))
    yield Condition("γ is positive", lambda case: bool((_gamma(case) > 0).all()))


def _is_last(case: Case) -> bool:
    return case.axis % case.x.ndim == case.x.ndim - 1


def _gamma(case: Case) -> np.ndarray:
    return np.ones(1) if case.gamma is None else case.gamma.astype(np.float64)


def _more_than(rows: int) -> Condition:
    return Condition(f"a channel has more than {rows} values", lambda case: case.rows > rows)


def _narrowed(
    passing: list[Case],
    failing: list[Case],
    traits: Traits,
    mode: Literal["train", "infer"],
    is_wrong: Callable[[Case], bool | None],
) -> int:
    """Returns the largest number of values that is right; what compiles for each shape is not asked more for it."""
    low, high = max(case.rows for case in passing), min(case.rows for case in failing)
    rank = min(case.x.ndim for case in failing)
    while high - low > 1 and not traits.compiled:
        middle = (low + high) // 2
        wrong = is_wrong(_case(traits, mode, rank=rank, axis=1, rows=middle))
        low, high = (low, middle) if wrong else (middle, high)
    return low
