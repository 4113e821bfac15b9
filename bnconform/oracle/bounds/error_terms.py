"""How far rounding can carry the statistics, h and the projections of an implementation from their exact values.

Rules: each function is one formula of the analysis and is named for the quantity whose error it bounds; none holds a
tolerance. u is the unit roundoff of sums, u_e ≥ u that of elementwise arithmetic, u_s that of statistics stored between
passes. Stored statistics smaller than t_s may be flushed to zero, and any value smaller than t0. Arrays are
float64, per channel of shape (C,), per element of shape (m, C), and errors are absolute unless said otherwise.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from bnconform.oracle.bounds.rounding import Moments, Rounding, error_of_sum, moments
from bnconform.oracle.reference.equations import Gradients, Standardization
from bnconform.oracle.reference.reductions import Array, totals

ROOT_ULPS = 4.0
"""Ulps that a reciprocal square root may be wrong by: x86's and CUDA's approximations with one Newton step."""


@dataclass(frozen=True, slots=True)
class StatisticErrors:
    """Errors of the mean, of the variance and of h, and the relative error of r."""

    mean: Array
    variance: Array
    root: Array
    h: Array


def error_of_mean(rounding: Rounding, x: Moments) -> Array:
    """Bounds the error of the computed mean; x's moments come with it."""
    mean = np.abs(x.total) / rounding.m
    return (
        error_of_sum(rounding, x) / rounding.m
        + rounding.stored(mean)
        + 2 * rounding.excess * mean  # divided or scaled elementwise
        # Welford's mean + (x - mean)/i loses up to t0 at step i, of which i/m is left at the end.
        + max(4.0, rounding.m / 2 + 1) * rounding.t0
    )


def error_of_variance(
    rounding: Rounding, stats: Standardization[Array], squares: Moments, error_of_mean: Array, one_pass: bool
) -> Array:
    """Bounds the error of the computed variance: two passes, Welford's, Chan's, shifted, or one pass.

    squares: the moments of d². one_pass: E[x²] - E[x]².
    """
    m, u = rounding.m, rounding.u
    mean, spread, excess, worst = np.abs(stats.mean), stats.spread, rounding.excess, rounding.gamma(m + 8)
    size: Array = np.sqrt(spread * spread + mean * mean)
    # Two passes: the mean's error enters squared, as the sum of d² is smallest around the exact mean.
    error = (
        error_of_sum(rounding, squares) / m
        + 4 * excess * stats.variance
        + (1.0 + worst) * error_of_mean * error_of_mean
    )
    # One pass with updates of a running mean: each update rounds relative to |x|.
    update = min(2 * worst, u * (2 * math.sqrt(m) + 8)) * size
    error = error + update * spread + update * update
    if one_pass:
        cancelled = (worst + 4 * excess) * size * size + (2 * mean + error_of_mean) * error_of_mean
        error = np.maximum(error, cancelled + 2 * rounding.u_e * mean * mean)
    return error + rounding.stored(stats.variance) + 2 * excess * stats.variance + 4 * rounding.t0 * (1.0 + spread)


def error_of_root(
    rounding: Rounding, stats: Standardization[Array], eps: float, error_of_variance: Array | float, nonnegative: bool
) -> Array:
    """Bounds the relative error of the computed r = 1/√(v + ε); infinite where the computed v + ε may reach 0.

    nonnegative: the computed variance cannot fall below 0, so r cannot exceed 1/√ε unless ε itself is flushed to zero.
    """
    rho = stats.variance + eps
    # 2u_e(|v| + |ε|): ε rounded to the implementation's own type, and the sum rounded; either may be negative.
    terms = np.abs(stats.variance) + abs(eps)
    lost = np.minimum((error_of_variance + 2 * rounding.u_e * terms + rounding.t0) / rho, 1.0)
    left = np.sqrt(1.0 - lost)
    error = lost / (left * (1.0 + left))  # (1 - τ)^(-1/2) - 1, free of cancellation
    if nonnegative and eps > rounding.t0:
        error = np.minimum(error, np.maximum(1.0, 1.0 / (math.sqrt(eps - rounding.t0) * stats.r) - 1.0))
    ulps = ROOT_ULPS * rounding.u_e
    return error * (1.0 + ulps) + ulps + rounding.stored(stats.r) / stats.r


def error_of_h(
    rounding: Rounding, stats: Standardization[Array], error_of_mean: Array | float, error_of_root: Array
) -> Array:
    """Bounds the error of the computed h = (x - mean)·r, elementwise."""
    u_e, t0 = rounding.u_e, rounding.t0
    # 4u_e·|mean| admits the folded form x·a + (β - mean·a).
    deviation = error_of_mean + 4 * u_e * (np.abs(stats.d) + np.abs(stats.mean)) + 4 * t0
    return (stats.r * (1.0 + error_of_root)) * deviation + np.abs(stats.h) * (error_of_root + 2 * u_e) + t0


def error_of_average(u: float, weight: float, old: Array, new: Array) -> Array:
    """Bounds the rounding of (1 - ω)·old + ω·new in any of its forms.

    4u of the two summands: ω or 1 - ω rounded, the product, the sum. 3u of old and new themselves: where ω is rounded
    first, 1 - ω is wrong by u·ω however small it is itself, and where 1 - ω is the attribute, ω is wrong by u·(1 - ω);
    old + ω·(new - old) adds the roundings of the difference and of the product, u·ω·|new - old| each. Together these
    stay below u·(1 + 2ω)·(|old| + |new|).
    """
    old, new = np.abs(old), np.abs(new)
    error: Array = 4 * u * ((1 - weight) * old + weight * new) + 3 * u * (old + new)
    return error


def error_of_component(
    rounding: Rounding,
    stats: Standardization[Array],
    errors: StatisticErrors,
    t: Array,
    t_moments: Moments,
    component: Array,
    uncentred_x: Array | None,
) -> Array:
    """Bounds the error of the computed Σt·h = m·component.

    uncentred_x: x where the sum is formed as (Σt·x - mean·Σt)·r, which cancels; otherwise None.
    """
    m, t0 = rounding.m, rounding.t0
    mean, absolute = np.abs(stats.mean), t_moments.absolute
    products = moments(t * stats.d)
    error = (
        errors.mean * (np.abs(t_moments.total) + error_of_sum(rounding, t_moments))  # the mean's error, times Σt
        + error_of_sum(rounding, products)
        + 4 * rounding.excess * products.absolute  # each product t·d rounded elementwise
        + (4 * rounding.u_e * mean + 5 * t0) * absolute  # each d rounded, also in the folded form
        + 3 * m * t0
    )
    if uncentred_x is not None:
        uncentred = totals(np.abs(t * uncentred_x)) + mean * absolute
        error = error + (rounding.gamma(m + 4) + 4 * rounding.excess) * uncentred
    relative = errors.root + 2 * rounding.u_e
    return stats.r * (1.0 + errors.root) * error + m * np.abs(component) * relative + t0 * (absolute + 3 * m)


def error_of_projection(
    rounding: Rounding,
    stats: Standardization[Array],
    errors: StatisticErrors,
    t: Array,
    t_moments: Moments,
    gradients: Gradients[Array],
    error_of_component: Array,
) -> Array:
    """Bounds the error of the computed P(t) = t - mean(t) - h·mean(t·h), elementwise."""
    m, u_e, t0 = rounding.m, rounding.u_e, rounding.t0
    mean, c, h = np.abs(gradients.mean), np.abs(gradients.component), np.abs(stats.h)
    error_of_c = error_of_component / m
    # Autodiff subtracts the mean of c·h too: 0 but for the rounding of Σh and of each h.
    residue = rounding_of_h(rounding, stats) / m + totals(errors.h) / m
    error = (
        error_of_sum(rounding, t_moments) / m + 2 * u_e * mean  # mean(t)
        + h * (error_of_c + 4 * u_e * c)  # mean(t·h), times h
        + errors.h * (c + error_of_c)  # h, times mean(t·h)
        + 6 * u_e * terms_of_projection(stats, t, gradients)  # products and subtractions
    )  # fmt: skip
    return error + (c * residue + 4 * t0) + 3 * t0 * h


def error_of_one_pass_projection(
    rounding: Rounding, stats: Standardization[Array], errors: StatisticErrors, x: Array, component: Array
) -> Array:
    """Bounds the error that differentiating E[x²] - E[x]² adds to P(t), elementwise."""
    c = np.abs(component)
    error: Array = (
        (6 * rounding.u_e) * stats.r * c * (np.abs(x) + np.abs(stats.mean))
    )  # through x² and mean², uncentred
    # Where the computed variance may be clamped at 0, its gradient is 0 and the branch is lost.
    lost: Array = np.where(errors.variance >= stats.variance, c * (1.0 + errors.root), 0.0)
    return error + lost * np.abs(stats.h)


def vanishing_branch(rounding: Rounding, stats: Standardization[Array], gamma: Array, component: Array) -> Array:
    """Returns the part |h·c| of P(t) that is lost where a power of r that autodiff forms is flushed to zero."""
    square = stats.r * stats.r
    smallest = np.minimum(square, square * stats.r * np.minimum(1.0, np.abs(gamma)))
    return np.where(smallest < 4 * rounding.t0, np.abs(component), 0.0) * np.abs(stats.h)


def terms_of_projection(stats: Standardization[Array], t: Array, gradients: Gradients[Array]) -> Array:
    """Returns |t| + |mean(t)| + |h·mean(t·h)|, the magnitudes that P(t) is the difference of."""
    return np.abs(t) + np.abs(gradients.mean) + np.abs(stats.h * gradients.component)


def rounding_of_h(rounding: Rounding, stats: Standardization[Array]) -> Array:
    """Bounds the error of summing h, whose exact sum is 0."""
    absolute = totals(np.abs(stats.h))
    return error_of_sum(rounding, Moments(np.zeros_like(absolute), absolute, stats.spread * stats.r))
