"""Moves between a tensor with its channels on some axis and the (rows, channels) matrix that all formulas are in.

Rules: no arithmetic; one channel is one column; the order of rows is that of the tensor read in C order.
"""

from __future__ import annotations

from functools import cache

import numpy as np


@cache
def _channels_last(rank: int, axis: int) -> tuple[int, ...]:
    """The order of axes with the channels' last; numpy.moveaxis finds it anew each time, which costs more than use."""
    order = [other for other in range(rank) if other != axis % rank]
    return (*order, axis % rank)


@cache
def _channels_back(rank: int, axis: int) -> tuple[int, ...]:
    order = list(range(rank - 1))
    order.insert(axis % rank, rank - 1)
    return tuple(order)


def to_rows(tensor: np.ndarray, axis: int) -> np.ndarray:
    """Returns `tensor` as a matrix of shape (m, C): one row per value of a channel, one column per channel."""
    return tensor.transpose(_channels_last(tensor.ndim, axis)).reshape(-1, tensor.shape[axis])


def from_rows(rows: np.ndarray, shape: tuple[int, ...], axis: int) -> np.ndarray:
    """Returns the matrix `rows` of shape (m, C) as a tensor of `shape` with its channels on `axis`."""
    rank = len(shape)
    if axis in (-1, rank - 1):
        return rows.reshape(shape)
    moved = tuple(shape[other] for other in _channels_last(rank, axis))
    return rows.reshape(moved).transpose(_channels_back(rank, axis))


def along(vector: np.ndarray, rank: int, axis: int) -> np.ndarray:
    """Returns a per-channel `vector` of shape (C,) shaped so that it broadcasts along `axis` of a tensor of `rank`."""
    shape = [1] * rank
    shape[axis] = -1
    return vector.reshape(shape)
