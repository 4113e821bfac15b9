"""The distinct rows of a large case: in each channel the few that are not zero, and one that stands for all others.

Rules: no arithmetic; every element of the whole case is that of one distinct row of one kind of channel, and is looked
at.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from bnconform.contract.case import PER_CHANNEL, Case
from bnconform.contract.memo import once
from bnconform.oracle.distinct.kinds import bits, by_channel, kinds
from bnconform.oracle.reference.reductions import Array, totals

MOST_ALIKE = 2.5
"""Of x, and of dy, at most one element in so many is not zero where a case is one of few distinct rows."""


@dataclass(frozen=True, eq=False)
class Distinct:
    """The distinct rows of a case, by kinds of channels.

    rows: a case of them, of shape (n, K), a channel of each kind, on axis 1; the last row stands for the others, and
    columns of fewer rows are filled up with such. at: in which row of its channel each element of `rows` is found, of
    the same shape; the filling and the last row name one that is zero. m: how many values each channel of the whole
    case has. channels: how many channels that has.
    """

    rows: Case
    at: np.ndarray
    m: int
    channels: int

    @property
    def others(self) -> np.ndarray:
        """How many elements of a channel of each kind the last row stands for, of shape (K,)."""
        return np.asarray(self.m - (self.at[:-1] != self.at[-1]).sum(axis=0))

    @cached_property
    def kind(self) -> np.ndarray:
        """The kind of each channel, of shape (C,)."""
        return np.asarray(np.arange(self.channels) % self.at.shape[1])


@dataclass(frozen=True, eq=False)
class _Marked:
    """The elements of a channel of each kind that are not zero, in x or in dy: their channels, in order, and rows.

    share: how much of x, or of dy, is not zero, whichever is more.
    """

    channel: np.ndarray
    row: np.ndarray
    share: float


@once
def _marked(case: Case) -> _Marked:
    count = kinds(case)
    masks = [_differs(by_channel(case, one)[:, :count]) for one in (case.x, case.dy) if one is not None]
    share = max(np.count_nonzero(one) for one in masks) / max(masks[0].size, 1)
    inner = masks[0].shape[2]
    found = np.flatnonzero(np.logical_or.reduce(masks) if len(masks) > 1 else masks[0])
    line, place = np.divmod(found, inner)
    outer, channel = np.divmod(line, count)
    order = np.argsort(channel, kind="stable")
    return _Marked(channel[order], (outer * inner + place)[order], share)


@once
def is_sparse(case: Case) -> bool:
    """Returns whether a case is one of few distinct rows, whose x sums to 0 in each channel in training."""
    if _marked(case).share * MOST_ALIKE > 1:
        return False
    return case.mode == "infer" or not totals(distinct(case).rows.x.astype(np.float64)).any()


def counts(case: Case) -> np.ndarray:
    """Returns for how many elements of x each distinct row stands, of shape (n, K)."""
    of = distinct(case)
    stands: np.ndarray = (of.at != of.at[-1]).astype(int)
    stands[-1] = of.others
    return stands * np.bincount(of.kind)


@once
def distinct(case: Case) -> Distinct:
    """Returns the distinct rows of a case; raises ValueError where a channel has no row of zeros."""
    count, found = kinds(case), _marked(case)
    number = np.bincount(found.channel, minlength=count)
    if number.max(initial=0) >= case.rows:
        raise ValueError("a channel has no row of zeros; expected one of which x and dy are zero")
    slot = np.arange(len(found.row)) - (np.cumsum(number) - number)[found.channel]
    at = np.full((int(number.max(initial=0)) + 1, count), -1)
    at[slot, found.channel] = found.row
    at = np.where(at < 0, _zeros(at), at)

    def column(tensor: np.ndarray) -> np.ndarray:
        whole = by_channel(case, tensor)
        outer, place = np.divmod(at, whole.shape[2])
        return np.asarray(whole[outer, np.arange(count), place])

    vectors = {name: one[:count] for name in PER_CHANNEL if (one := getattr(case, name)) is not None}
    dy = None if case.dy is None else column(case.dy)
    rows = replace(case, x=column(case.x), dy=dy, axis=1, shuffled=False, **vectors)
    return Distinct(rows, at, case.rows, case.channels)


def _differs(tensor: np.ndarray) -> np.ndarray:
    """Returns which elements are not zero; types that NumPy compares slowly by their bits."""
    if tensor.itemsize > 2:
        return np.asarray(tensor != 0)
    whole = bits(tensor)
    return np.asarray((whole & (~whole.dtype.type(0) >> 1)) != 0)


def _zeros(at: np.ndarray) -> np.ndarray:
    """Returns the first row of each channel that is not named, of shape (K,)."""
    row = np.zeros(at.shape[1], int)
    while True:
        taken = (at == row).any(axis=0)
        if not taken.any():
            return row
        row += taken


def whole(case: Case, rows: Array) -> Array:
    """Returns an array of x's shape from one of the distinct rows, of shape (n, K)."""
    of = distinct(case)
    shape = [1] * case.x.ndim
    shape[case.axis] = -1
    rows, at = rows[:, of.kind], of.at[:, of.kind]
    tensor = np.broadcast_to(rows[-1].reshape(shape), case.x.shape).copy()
    view = by_channel(case, tensor)
    outer, place = np.divmod(at, view.shape[2])
    view[outer, np.arange(case.channels), place] = rows
    return tensor
