"""Moves between a tensor with its channels on some axis and the (rows, channels) matrix that all formulas are in; and
between the weight of a Case's layer and the layouts that frameworks keep weights in.

Rules: no arithmetic; one channel is one column; the order of rows is that of the tensor read in C order. A Case has a
layer's output channels on its axis, of the other axes first the inputs of each group, then the kernel, whatever the
layer; a framework's own layout is for its adapter to make.
"""

from __future__ import annotations

from functools import cache

import numpy as np

from bnconform.contract.case import Case


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


def outputs_first(case: Case) -> np.ndarray:
    """Returns the weight as (O, I/groups, *kernel): that of a linear layer or a convolution in torch and in ONNX."""
    return np.moveaxis(case.x, case.axis, 0)


def inputs_first(case: Case) -> np.ndarray:
    """Returns the weight as (I, O/groups, *kernel): that of a transposed convolution in torch and in ONNX."""
    weight, groups = outputs_first(case), case.groups or 1
    apart = weight.reshape(groups, len(weight) // groups, *weight.shape[1:]).swapaxes(1, 2)
    return apart.reshape(groups * weight.shape[1], len(weight) // groups, *weight.shape[2:])


def as_layer(case: Case) -> np.ndarray:
    """Returns the weight as torch and ONNX keep that of the case's layer."""
    return inputs_first(case) if case.layer == "transposed" else outputs_first(case)


def from_outputs_first(weight: np.ndarray, case: Case) -> np.ndarray:
    """Returns a weight of shape (O, I/groups, *kernel) in the shape of the case's."""
    return np.moveaxis(weight, 0, case.axis)


def from_inputs_first(weight: np.ndarray, case: Case) -> np.ndarray:
    """Returns a weight of shape (I, O/groups, *kernel) in the shape of the case's."""
    groups, outputs = case.groups or 1, weight.shape[1]
    apart = weight.reshape(groups, len(weight) // groups, *weight.shape[1:]).swapaxes(1, 2)
    return from_outputs_first(apart.reshape(groups * outputs, len(weight) // groups, *weight.shape[2:]), case)


def from_layer(weight: np.ndarray, case: Case) -> np.ndarray:
    """Returns a weight that `as_layer` could have given in the shape of the case's."""
    return (from_inputs_first if case.layer == "transposed" else from_outputs_first)(weight, case)
