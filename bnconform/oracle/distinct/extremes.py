"""The values of an output that lie farthest apart among those that should be equal.

Rules: nothing is rounded; each element is looked at. Where all elements that should be equal are, which a comparison
of bits tells in one pass, no other is made.
"""

from __future__ import annotations

import numpy as np

from bnconform.contract.case import Case
from bnconform.contract.memo import once
from bnconform.oracle.distinct.kinds import bits, by_channel
from bnconform.oracle.distinct.rows import distinct
from bnconform.oracle.reference.reductions import Array

SHORT = 64
"""Lines of fewer elements are compared several at once."""


@once
def by_rows(case: Case, tensor: np.ndarray) -> tuple[Array, Array]:
    """Returns the lowest and the highest elements of a tensor of x's shape among those that each distinct row stands
    for, in all channels of a kind: two matrices of float64 of shape (n, K), one and the same where all are equal.

    NaN among them counts as lowest or as highest.
    """
    tensor, at = by_channel(case, tensor), distinct(case).at
    count = at.shape[1]
    low, high = _extremes(tensor[:, None, :count], at)
    turns = case.channels // count
    turned = tensor[:, : turns * count].reshape(len(tensor), turns, count, tensor.shape[2])
    for part in _unlike(turned, tensor[:, turns * count :]):
        width = part.shape[2]
        below, above = _extremes(part, at[:, :width])
        if low is high:
            low, high = low.copy(), high.copy()
        low[:, :width] = np.minimum(low[:, :width], below)
        high[:, :width] = np.maximum(high[:, :width], above)
    return low, high


def _unlike(turned: np.ndarray, last: np.ndarray) -> list[np.ndarray]:
    """Returns the turns of channels that are not the same as the first one to the last bit, those of equal width in one
    array. turned: of shape (outer, turns, K, inner). last: of shape (outer, fewer than K, inner)."""
    first = bits(turned[:, 0])
    parts = []
    if turned.shape[1] > 1:
        differs = bits(turned[:, 1:]) != first[:, None]
        if differs.any():
            parts.append(turned[:, 1:][:, differs.any(axis=(0, 2, 3))])
    if last.size and not np.array_equal(bits(last), first[:, : last.shape[1]]):
        parts.append(last[:, None])
    return parts


def _extremes(part: np.ndarray, at: np.ndarray) -> tuple[Array, Array]:
    """Returns the same for the channels of so many turns. part: of shape (outer, turns, K, inner)."""
    outer, place = np.divmod(at, part.shape[3])
    column = np.arange(part.shape[2])
    found = part[outer, :, column, place]  # of shape (n, K, turns)
    values = found.astype(np.float64)
    low = high = values[..., 0]
    if part.shape[1] > 1:
        low, high = values.min(axis=2), values.max(axis=2)
    last = found[-1].T
    if _differing(part, last) == np.count_nonzero(bits(found) != bits(found[-1])):
        return low, high
    rest = part.copy()
    rest[outer, :, column, place] = found[-1]
    least, most = _ends(rest)
    low, high = low.copy(), high.copy()
    low[-1], high[-1] = least, most
    return low, high


def _differing(part: np.ndarray, last: np.ndarray) -> int:
    """Returns how many elements have other bits than the one of their channel in `last`, of shape (turns, K)."""
    inner = part.shape[3]
    if inner >= SHORT:
        return int(np.count_nonzero(bits(part) != bits(last)[..., None]))
    lines = part.reshape(*part.shape[:2], -1)
    return int(np.count_nonzero(bits(lines) != np.repeat(bits(last), inner, axis=1)))


def _ends(tensor: np.ndarray) -> tuple[Array, Array]:
    """Returns the lowest and the highest of each column of a tensor of shape (outer, turns, K, inner)."""
    narrow = tensor.itemsize < 4  # of which NumPy knows no order, or a slow one: by bits, those of negative ones turned
    ordered = np.where(tensor.view("i2") < 0, tensor.view("i2") ^ 0x7FFF, tensor.view("i2")) if narrow else tensor
    columns = ordered.reshape(-1, *ordered.shape[2:])
    if columns.shape[2] > 1:
        least, most = (reduce.reduce(columns, axis=2) for reduce in (np.minimum, np.maximum))
    else:
        least = most = columns[..., 0]
    ends = least.min(axis=0), most.max(axis=0)
    if narrow:
        ends = tuple(np.where(one < 0, one ^ 0x7FFF, one).astype("i2").view(tensor.dtype) for one in ends)
    return ends[0].astype(np.float64), ends[1].astype(np.float64)
