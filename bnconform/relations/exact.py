"""Averages and affine maps of outputs, rounded once, so that a spec's own arithmetic adds no error.

Rules: double-double throughout and one rounding to float64 at the end. Every bound on y admits that one: it counts a
rounding of the sum with β and one of the output, and these are a single one where y is as wide as float64.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from bnconform.contract.axes import from_rows, to_rows
from bnconform.contract.case import Case
from bnconform.oracle.reference.doubledouble import DoubleDouble, as_doubledouble
from bnconform.oracle.reference.equations import rounded, scale_and_shift
from bnconform.oracle.reference.quantities import solution
from bnconform.oracle.reference.reductions import Array


def mean(tensor: np.ndarray, axis: int) -> Array:
    """Returns the mean of each channel, of shape (C,)."""
    with np.errstate(all="ignore"):
        return rounded(_mean(_rows(tensor, axis)))


def mean_square(tensor: np.ndarray, axis: int, about: Array | float = 0.0) -> Array:
    """Returns the mean of the squares of each channel's values less `about`, of shape (C,)."""
    with np.errstate(all="ignore"):
        values = _rows(tensor, axis) - about
        return rounded(_mean(values * values))


def scaled(tensor: np.ndarray, gamma: Array, beta: Array) -> Array:
    """Returns γ·t + β of an array t, with γ and β such that they broadcast."""
    with np.errstate(all="ignore"):
        return rounded(scale_and_shift(DoubleDouble(tensor.astype(np.float64)), gamma, beta))


def share_of_variance(case: Case, gamma: Array | float = 1.0) -> Array:
    """Returns γ²σ²/(σ² + ε) of each channel's batch, of shape (C,)."""
    with np.errstate(all="ignore"):
        variance = as_doubledouble(solution(case).batch.variance)
        return rounded(variance / (variance + case.eps) * gamma * gamma)


def short_of_input(case: Case) -> Array:
    """Returns x + d(√(σ²/(σ² + ε)) - 1), of x's shape: the output for γ = σ, β = μ."""
    with np.errstate(all="ignore"):
        batch = solution(case).batch
        x, missed = _rows(case.x, case.axis), as_doubledouble(batch.spread * batch.r) - 1.0
        return from_rows(rounded(x + missed * batch.d), case.x.shape, case.axis)


def listing(case: Case) -> Array:
    """Returns the output of document 001's listing, of x's shape, operation for operation."""
    with np.errstate(all="ignore"):
        x = _rows(case.x, case.axis)
        sample_mean = _mean(x)
        x_centered = x - sample_mean
        sample_var = _mean(x_centered * x_centered)
        std = (sample_var + case.eps).sqrt()
        x_norm = x_centered / std
        gamma = np.ones(case.channels) if case.gamma is None else case.gamma.astype(np.float64)
        beta = np.zeros(case.channels) if case.beta is None else case.beta.astype(np.float64)
        out = x_norm * gamma + beta
        return from_rows(rounded(out), case.x.shape, case.axis)


def _rows(tensor: np.ndarray, axis: int) -> DoubleDouble:
    return DoubleDouble(to_rows(tensor, axis).astype(np.float64))


def _mean(rows: DoubleDouble) -> Any:
    return rows.total() / float(len(rows.high))
