"""Moves between a tensor with its channels on some axis and the (rows, channels) matrix that all formulas are in.

Rules: no arithmetic; one channel is one column; the order of rows is that of the tensor read in C order.
"""

from __future__ import annotations

import numpy as np


def to_rows(tensor: np.ndarray, axis: int) -> np.ndarray:
    """Returns `tensor` as a matrix of shape (m, C): one row per value of a channel, one column per channel."""
    if tensor.ndim == 2 and axis in (1, -1):
        return tensor
    return np.moveaxis(tensor, axis, -1).reshape(-1, tensor.shape[axis])


def from_rows(rows: np.ndarray, shape: tuple[int, ...], axis: int) -> np.ndarray:
    """Returns the matrix `rows` of shape (m, C) as a tensor of `shape` with its channels on `axis`."""
    if len(shape) == 2 and axis in (1, -1):
        return rows
    channels_last = list(shape)
    channels_last.append(channels_last.pop(axis))
    return np.moveaxis(rows.reshape(channels_last), -1, axis)


def along(vector: np.ndarray, rank: int, axis: int) -> np.ndarray:
    """Returns a per-channel `vector` of shape (C,) shaped so that it broadcasts along `axis` of a tensor of `rank`."""
    shape = [1] * rank
    shape[axis] = -1
    return vector.reshape(shape)
