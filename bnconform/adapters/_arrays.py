"""What every adapter does to a Case's arrays before a framework sees them.

Rules: types are widened exactly or not at all; a case that an implementation cannot express is Unsupported, with the
reason; no value is computed here.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from bnconform.case import Case, Unsupported


class Parameters(NamedTuple):
    """The per-channel arrays of a Case in the type that an implementation keeps them in."""

    gamma: np.ndarray | None
    beta: np.ndarray | None
    running_mean: np.ndarray | None
    running_var: np.ndarray | None


def at_least_float32(dtype: np.dtype) -> np.dtype:
    """Returns float32 for a 16-bit `dtype`, otherwise `dtype`: what mixed precision keeps parameters in."""
    return np.dtype(np.float32) if dtype.itemsize < 4 else dtype


def parameters(case: Case, dtype: np.dtype) -> Parameters:
    """Returns the per-channel arrays of `case` in `dtype`.

    Raises Unsupported if one does not fit into `dtype` exactly, if only one running statistic is given, or if inference
    has none.
    """
    if (case.running_mean is None) != (case.running_var is None):
        raise Unsupported("running statistics come as a pair, mean and variance")
    if case.mode == "infer" and case.running_mean is None:
        raise Unsupported("inference needs running statistics")
    return Parameters(*(_widened(getattr(case, name), dtype, name) for name in Parameters._fields))


def _widened(array: np.ndarray | None, dtype: np.dtype, name: str) -> np.ndarray | None:
    if array is None or array.dtype == dtype:
        return array
    if array.dtype.itemsize >= dtype.itemsize:
        raise Unsupported(f"{name} is {array.dtype.name}, which {dtype.name} does not hold exactly")
    return array.astype(dtype)


def channels_first(case: Case) -> bool:
    """Returns whether the channels of `case` stand on axis 1 and not on the last one; raises Unsupported for others."""
    axis = case.axis % case.x.ndim
    if axis not in (1, case.x.ndim - 1):
        raise Unsupported(f"channels on axis {case.axis} of {case.x.ndim}; only axis 1 and the last one are offered")
    return axis == 1 and case.x.ndim > 2
