"""Cases made from a case, for specs on the change of the outcome with the input.

Rules: a follow-up is made once per case, so that specs in need of the same one run it once; it is rounded to the dtype
of the case, and the effect of that rounding is the spec's business; follow-ups carry no cotangent.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, TypeVar

import numpy as np

from bnconform.contract.axes import along, to_rows
from bnconform.contract.case import PER_CHANNEL, Case
from bnconform.contract.memo import once
from bnconform.oracle import reference

Made = TypeVar("Made")
REPETITIONS = 3
"""How often a case is asked again: an answer may differ once in a hundred calls."""


def followup(make: Callable[[Case], Made]) -> Callable[[Case], Made]:
    """Makes a variant once per case, whatever overflows in it, and forgets it with the case."""
    return once(np.errstate(over="ignore", under="ignore")(make))


def _per_channel(case: Case, values: np.ndarray | float) -> np.ndarray:
    return np.broadcast_to(values, (case.channels,)).astype(case.x.dtype)


@followup
def unscaled(case: Case) -> Case:
    """Returns the case with γ = 1 and β = 0, which shows the normalized values themselves."""
    return replace(case, gamma=_per_channel(case, 1.0), beta=_per_channel(case, 0.0), dy=None)


@followup
def restoring(case: Case) -> Case:
    """Returns the case with γ = √(σ² + ε) and β = μ of its own batch."""
    root = np.sqrt(reference.batch_var(case) + case.eps)
    mean = reference.batch_mean(case)
    return replace(case, gamma=_per_channel(case, root), beta=_per_channel(case, mean), dy=None)


@followup
def restoring_without_epsilon(case: Case) -> Case:
    """Returns the case with γ = σ and β = μ of its own batch."""
    root, mean = np.sqrt(reference.batch_var(case)), reference.batch_mean(case)
    return replace(case, gamma=_per_channel(case, root), beta=_per_channel(case, mean), dy=None)


@followup
def shifted(case: Case) -> Case:
    """Returns the case with three quarters of the largest magnitude of each channel added to all of its values."""
    wide = case.x.astype(np.float64)
    others = tuple(axis for axis in range(wide.ndim) if axis != case.axis % wide.ndim)
    shift = 0.75 * np.abs(wide).max(axis=others)
    return replace(case, x=(wide + along(shift, wide.ndim, case.axis)).astype(case.x.dtype), dy=None)


@followup
def doubled(case: Case) -> Case:
    """Returns the case with x doubled and ε quadrupled, which leaves (x - μ)/√(σ² + ε) as it was."""
    return replace(case, x=case.x * case.x.dtype.type(2), eps=4 * case.eps, dy=None)


@followup
def tripled(case: Case) -> Case:
    """Returns the case with x tripled and ε nine times as large; an ε that float32 holds stays one."""
    eps = 9 * case.eps
    short = float(np.float32(case.eps)) == case.eps
    return replace(case, x=case.x * case.x.dtype.type(3), eps=float(np.float32(eps)) if short else eps, dy=None)


@followup
def negated(case: Case) -> Case:
    """Returns the case with x negated."""
    return replace(case, x=-case.x, dy=None)


@followup
def again(case: Case) -> tuple[Case, ...]:
    """Returns equal cases, which an implementation is asked anew."""
    return tuple(replace(case) for _ in range(REPETITIONS))


@followup
def inferring(case: Case) -> Case | None:
    """Returns the case in inference by its running statistics, without a cotangent; None where it has none."""
    if case.running_mean is None or case.running_var is None:
        return None
    return replace(case, mode="infer", dy=None)


@followup
def untracked(case: Case) -> Case:
    """Returns the case without a cotangent and without running statistics."""
    return replace(case, dy=None, running_mean=None, running_var=None)


@followup
def as_matrix(case: Case) -> Case:
    """Returns the case with all values of a channel in one column of a matrix."""
    return replace(case, x=to_rows(case.x, case.axis), axis=1, dy=None)


@followup
def on_next_axis(case: Case) -> Case:
    """Returns the case with its channels moved to the next axis; the first follows the last."""
    axis = next_axis(case)
    return replace(case, x=np.moveaxis(case.x, case.axis, axis), axis=axis, dy=None)


def next_axis(case: Case) -> int:
    """Returns the axis after the channels'; the first follows the last."""
    return (case.axis % case.x.ndim + 1) % case.x.ndim


@followup
def time_steps(case: Case) -> tuple[Case, ...]:
    """Returns the case's (N, T, C) cut into T cases of (N, C): the values at one time step each."""
    x = _sequences(case)
    return tuple(replace(case, x=np.ascontiguousarray(x[:, t]), axis=1, dy=None) for t in range(x.shape[1]))


@followup
def time_steps_as_channels(case: Case) -> Case:
    """Returns the case's (N, T, C) as (N, T·C): the features of each time step are channels of their own."""
    x = _sequences(case)
    vectors: dict[str, Any] = {name: getattr(case, name) for name in PER_CHANNEL}
    tiled: dict[str, Any] = {n: None if v is None else np.tile(v, x.shape[1]) for n, v in vectors.items()}
    return replace(case, x=np.ascontiguousarray(x.reshape(len(x), -1)), axis=1, dy=None, **tiled)


def as_sequence(case: Case, tensor: np.ndarray) -> np.ndarray:
    """Returns a tensor of (N, T·C) in the layout of the case's x."""
    last = np.moveaxis(case.x, case.axis, -1).shape
    return np.moveaxis(tensor.reshape(last), -1, case.axis)


def joined(case: Case, parts: Sequence[np.ndarray]) -> np.ndarray:
    """Returns tensors of (N, C), one for each time step, in the layout of the case's x."""
    return as_sequence(case, np.stack(parts, axis=1))


def _sequences(case: Case) -> np.ndarray:
    """Returns x as (N, T, C); where there are several axes beside N and C, every position along them is a step."""
    return np.moveaxis(case.x, case.axis, -1).reshape(case.x.shape[0], -1, case.channels)


@followup
def reordered(case: Case) -> Case:
    """Returns the case with the values of every channel in reverse order."""
    return replace(case, x=reorder(case.x, case.axis), dy=None)


def reorder(tensor: np.ndarray, axis: int) -> np.ndarray:
    """Returns `tensor` with all axes but the channels' reversed."""
    others = tuple(other for other in range(tensor.ndim) if other != axis % tensor.ndim)
    return np.ascontiguousarray(np.flip(tensor, others))


@followup
def repeated(case: Case) -> Case:
    """Returns the case with its batch given twice; rows that come twice are not in random order."""
    return replace(case, x=np.concatenate([case.x, case.x]), dy=None, shuffled=False)


@followup
def among_others(case: Case) -> Case:
    """Returns the case with its first example as it was and every other one negated."""
    sign = np.where(np.arange(case.x.shape[0]) == 0, 1.0, -1.0).astype(case.x.dtype)
    return replace(case, x=case.x * along(sign, case.x.ndim, 0), dy=None)


@followup
def forward_only(case: Case) -> Case:
    """Returns the case without its cotangent."""
    return replace(case, dy=None)


@followup
def at_zero(case: Case) -> Case:
    """Returns the case with x = 0."""
    return replace(case, x=np.zeros_like(case.x), dy=None)


@followup
def one_example(case: Case) -> Case:
    """Returns the case with its first example only."""
    return replace(case, x=case.x[:1], dy=None)


@followup
def drifted(case: Case) -> Case:
    """Returns the case with the input that an earlier layer gives once its weights have moved: shifted and doubled."""
    return replace(case, x=shifted(case).x * case.x.dtype.type(2), dy=None)


@followup
def without_a_bias(case: Case) -> Case:
    """Returns the case with no bias of the layer before."""
    return replace(case, bias=None)


@followup
def without_scale_and_shift(case: Case) -> Case:
    """Returns the case with neither γ nor β."""
    return replace(case, gamma=None, beta=None)
