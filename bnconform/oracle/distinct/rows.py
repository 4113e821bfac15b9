"""The distinct rows of a large case: in each channel the few that are not zero, and one that stands for all others.

Rules: no arithmetic; every element of the whole case is that of one distinct row, and is looked at.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from bnconform.contract.case import Case
from bnconform.contract.memo import once
from bnconform.oracle.reference.reductions import Array, totals

MOST_ALIKE = 2.5
"""Of x, and of dy, at most one element in so many is not zero where a case is one of few distinct rows."""


@dataclass(frozen=True, eq=False)
class Distinct:
    """The distinct rows of a case.

    rows: a case of them, of shape (n, C), its channels on axis 1; the last row stands for the others, and columns of
    fewer rows are filled up with such. at: where each element of `rows` is found in x, as an index into x in C order;
    the filling and the last row name an element that is zero. m: how many values each channel of the whole case has.
    """

    rows: Case
    at: np.ndarray
    m: int

    @property
    def others(self) -> np.ndarray:
        """How many elements of each channel the last row stands for, of shape (C,)."""
        return np.asarray(self.m - (self.at[:-1] != self.at[-1]).sum(axis=0))


@once
def is_sparse(case: Case) -> bool:
    """Returns whether a case is one of few distinct rows, whose x sums to 0 in each channel in training."""
    if np.count_nonzero(_differs(case.x)) * MOST_ALIKE > case.x.size:
        return False
    if case.dy is not None and np.count_nonzero(_differs(case.dy)) * MOST_ALIKE > case.x.size:
        return False
    return case.mode == "infer" or not totals(distinct(case).rows.x.astype(np.float64)).any()


def counts(case: Case) -> np.ndarray:
    """Returns for how many elements of x each distinct row stands, of shape (n, C)."""
    of = distinct(case)
    stands: np.ndarray = (of.at != of.at[-1]).astype(int)
    stands[-1] = of.others
    return stands


@once
def distinct(case: Case) -> Distinct:
    """Returns the distinct rows of a case; raises ValueError where a channel has no row of zeros."""
    axis = case.axis % case.x.ndim
    found = np.flatnonzero(_differs(case.x) if case.dy is None else _differs(case.x) | _differs(case.dy))
    inner = int(np.prod(case.x.shape[axis + 1 :]))
    channel = found // inner % case.channels
    order = np.argsort(channel, kind="stable")
    found, channel = found[order], channel[order]
    counts = np.bincount(channel, minlength=case.channels)
    if counts.max(initial=0) >= case.rows:
        raise ValueError("a channel has no row of zeros; expected one of which x and dy are zero")
    slot = np.arange(len(found)) - (np.cumsum(counts) - counts)[channel]
    at = np.full((int(counts.max(initial=0)) + 1, case.channels), -1)
    at[slot, channel] = found
    at = np.where(at < 0, _zeros(case, at, inner), at)

    def column(tensor: np.ndarray) -> np.ndarray:
        return np.asarray(tensor.ravel()[at])

    rows = replace(case, x=column(case.x), dy=None if case.dy is None else column(case.dy), axis=1, shuffled=False)
    return Distinct(rows, at, case.rows)


def _differs(tensor: np.ndarray) -> np.ndarray:
    """Returns which elements are not zero, by their bits: types that NumPy lacks compare slowly."""
    bits = np.ascontiguousarray(tensor).view(f"u{tensor.itemsize}")
    return np.asarray((bits & (~bits.dtype.type(0) >> 1)) != 0)


def _zeros(case: Case, at: np.ndarray, inner: int) -> np.ndarray:
    """Returns the first element of each channel that is zero, as an index into x in C order, of shape (C,)."""
    channel, row = np.arange(case.channels), np.zeros(case.channels, int)
    while True:
        element = (row // inner * case.channels + channel) * inner + row % inner
        taken = (at == element).any(axis=0)
        if not taken.any():
            return np.asarray(element)
        row += taken


def whole(case: Case, rows: Array) -> Array:
    """Returns an array of x's shape from one of the distinct rows, of shape (n, C)."""
    of = distinct(case)
    shape = [1] * case.x.ndim
    shape[case.axis] = -1
    tensor = np.broadcast_to(rows[-1].reshape(shape), case.x.shape).copy()
    tensor.reshape(-1)[of.at] = rows
    return tensor


def by_rows(case: Case, tensor: np.ndarray) -> tuple[Array, Array]:
    """Returns the elements of a tensor of x's shape on the distinct rows, of shape (n, C), and again with the element
    farthest below that of the last row, and farthest above it, in its place: two matrices of float64.

    NaN among them counts as farthest.
    """
    of = distinct(case)
    flat = np.array(tensor, order="C").reshape(-1)
    values = flat[of.at].astype(np.float64)
    flat[of.at] = flat[of.at[-1]]
    inner = int(np.prod(case.x.shape[case.axis % case.x.ndim + 1 :]))
    others = flat.reshape(-1, case.channels, inner)
    others = others if others.dtype.kind == "f" else others.astype(np.float32)
    low, high = values.copy(), values
    low[-1], high[-1] = others.min(axis=2).min(axis=0), others.max(axis=2).max(axis=0)
    return low, high
