"""The kinds of channels of a large case: how many of its first channels all others repeat in turn.

Rules: no arithmetic; channels are one kind where all that they are given is the same, to the last bit; each value of a
tensor is looked at.
"""

from __future__ import annotations

import numpy as np

from bnconform.contract.case import PER_CHANNEL, Case
from bnconform.contract.memo import once


@once
def kinds(case: Case) -> int:
    """Returns K, where channel c has the data and the parameters of channel c mod K; C where no such period is found.

    Beyond a half of the channels none is looked for, as it would save nothing.
    """
    if case.needs - {"wide_parameters"}:  # which may have further arrays
        return case.channels
    vectors = [bits(one) for name in PER_CHANNEL if (one := getattr(case, name)) is not None]
    tensors = [bits(by_channel(case, one)) for one in (case.x, case.dy) if one is not None]
    alike = np.ones(case.channels // 2 + 1, bool)
    for vector in vectors:
        alike &= vector[: len(alike)] == vector[0]
    for period in np.flatnonzero(alike)[1:].tolist():
        begins = all(np.array_equal(one[:, period], one[:, 0]) for one in tensors)
        if begins and all(repeats(one, period) for one in (*vectors, *tensors)):
            return int(period)
    return case.channels


def by_channel(case: Case, tensor: np.ndarray) -> np.ndarray:
    """Returns a tensor of x's shape as one of shape (outer, C, inner): what stands before the channels, and behind."""
    axis = case.axis % case.x.ndim
    return np.ascontiguousarray(tensor).reshape(-1, case.channels, int(np.prod(case.x.shape[axis + 1 :])))


def bits(array: np.ndarray) -> np.ndarray:
    """Returns the bits of an array as whole numbers, which compare fast whatever its type."""
    return array.view(f"u{array.itemsize}")


def repeats(array: np.ndarray, period: int) -> bool:
    """Returns whether an array of shape (C,) or (outer, C, inner) repeats its first channels, so many, in turn."""
    if array.ndim == 1:
        return np.array_equal(array[period:], array[:-period])
    return np.array_equal(array[:, period:], array[:, :-period])
