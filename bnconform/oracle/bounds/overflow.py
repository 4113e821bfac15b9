"""Overflow in some correct algorithm on the way to a finite result: no bound makes a claim about such channels.

Rules: each function returns a mask of shape (C,), True where an intermediate result may leave the range of its type;
the lists name the intermediates of known algorithms and their derivatives, and `largest` holds their factors: r and h
as large as rounding may make them. HEADROOM keeps a factor for the order of multiplication.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import reduce

import numpy as np

from bnconform.oracle.bounds.error_terms import StatisticErrors
from bnconform.oracle.bounds.formats import EffectiveArithmetic
from bnconform.oracle.bounds.rounding import Rounding
from bnconform.oracle.reference.equations import Gradients, Standardization
from bnconform.oracle.reference.reductions import Array, Mask, peaks, totals

HEADROOM = 16.0
OUTPUT_SHARE = 0.9
"""The part of the output type's range that a result and its bound may fill together."""


@dataclass(frozen=True, slots=True)
class Sizes:
    """Magnitudes of one Case, per channel: of gamma, of x (sum and largest) and of Σx²."""

    gamma: Array
    x_sum: Array
    x_peak: Array
    x_square_sum: Array


@dataclass(frozen=True, slots=True)
class CotangentSizes:
    """Magnitudes of a cotangent g, per channel: sum and largest; the same of |g|·(|x| + |mean|); Σ|g·d| and Σ|g·x|."""

    total: Array
    peak: Array
    offset_sum: Array
    offset_peak: Array
    d_sum: Array
    x_sum: Array


def cotangent_sizes(g: Array, x: Array, stats: Standardization[Array]) -> CotangentSizes:
    """Returns the magnitudes of g and of its products with x and d."""
    magnitude = np.abs(g)
    products = magnitude * np.abs(x)
    offset = products + magnitude * np.abs(stats.mean)
    return CotangentSizes(
        total=totals(magnitude),
        peak=peaks(magnitude),
        offset_sum=totals(offset),
        offset_peak=peaks(offset),
        d_sum=totals(np.abs(g * stats.d)),
        x_sum=totals(products),
    )


@dataclass(frozen=True, slots=True)
class Cotangent:
    """The terms that the gradients' bounds share: arithmetic of sums over g, error of Σg·h, size of g, where it may
    overflow."""

    rounding: Rounding
    error_of_dgamma: Array
    sizes: CotangentSizes
    blocked: Mask


def statistics_overflow(
    types: EffectiveArithmetic, sizes: Sizes, stats: Standardization[Array], one_pass: bool
) -> Mask:
    """Returns where the batch's mean or variance may overflow on its way."""
    largest_d = peaks(np.abs(stats.d))
    squared = np.maximum(largest_d, sizes.x_peak) if one_pass else largest_d
    return _above(types.accumulate.largest, sizes.x_square_sum, sizes.x_sum) | _above(
        types.elementwise.largest, squared * squared
    )


def largest_computed(stats: Standardization[Array], errors: StatisticErrors) -> Standardization[Array]:
    """Returns `stats` with r and |h| as large as an implementation may compute them."""
    return replace(stats, r=stats.r * (1.0 + errors.root), h=np.abs(stats.h) + errors.h)


def training_overflow(types: EffectiveArithmetic, sizes: Sizes, largest: Standardization[Array]) -> Mask:
    """Returns where y of a training step may overflow on its way."""
    scaled = sizes.gamma * largest.r
    return _above(types.accumulate.largest, sizes.x_square_sum, sizes.x_sum, largest.r**2) | _above(
        types.elementwise.largest,
        sizes.x_peak**2,
        scaled,
        largest.r,
        scaled * np.maximum(np.abs(largest.mean), sizes.x_peak),
        sizes.gamma * sizes.x_peak,
        peaks(largest.h),
    )


def inference_overflow(types: EffectiveArithmetic, sizes: Sizes, largest: Standardization[Array]) -> Mask:
    """Returns where y of inference may overflow on its way."""
    scaled = sizes.gamma * largest.r
    return _above(
        types.elementwise.largest,
        scaled,
        peaks(largest.h),
        scaled * np.maximum(np.abs(largest.mean), sizes.x_peak),
        sizes.gamma * (sizes.x_peak + np.abs(largest.mean)),
    )


def cotangent_overflow(types: EffectiveArithmetic, g: CotangentSizes) -> Mask:
    """Returns where the sum of the cotangent may overflow on its way."""
    return _above(types.cotangents.largest, g.total)


def training_gradient_overflow(
    types: EffectiveArithmetic, sizes: Sizes, largest: Standardization[Array], g: CotangentSizes, m: int
) -> Mask:
    """Returns where a gradient of a training step may overflow on its way, beyond where y may."""
    scaled, cube = sizes.gamma * largest.r, largest.r**3
    sums = _above(types.cotangents.largest, g.offset_sum, scaled * g.total, sizes.gamma * g.offset_sum)
    products = _above(
        types.elementwise.largest,
        scaled * g.peak,
        g.offset_peak,
        cube,
        cube * sizes.gamma * np.maximum(g.d_sum, g.x_sum),
        sizes.gamma * g.peak,
    )
    scaled_sum = _above(types.accumulate.largest, m * scaled * g.peak)
    return cotangent_overflow(types, g) | scaled_sum | sums | products


def inference_gradient_overflow(
    types: EffectiveArithmetic, sizes: Sizes, largest: Standardization[Array], g: CotangentSizes
) -> Mask:
    """Returns where a gradient of inference may overflow on its way."""
    sums = _above(types.cotangents.largest, g.offset_sum)
    products = _above(types.elementwise.largest, g.offset_peak, sizes.gamma * g.peak)
    return inference_overflow(types, sizes, largest) | cotangent_overflow(types, g) | sums | products


def branch_overflow(
    types: EffectiveArithmetic,
    sizes: Sizes,
    largest: Standardization[Array],
    g: CotangentSizes,
    gradients: Gradients[Array],
    uncentred: bool,
) -> Mask:
    """Returns where a summand of dx that is rounded to the output's type may overflow it."""
    c = np.abs(gradients.component)
    scaled = sizes.gamma * largest.r
    branches = g.peak + np.abs(gradients.mean) + peaks(largest.h) * c
    summands = [scaled * branches, np.maximum(1.0, sizes.gamma) * g.peak]
    if uncentred:
        summands.append(scaled * largest.r * c * (sizes.x_peak + np.abs(largest.mean)))
    return _above(2 * types.output.largest, *summands)


def _above(largest: float, *quantities: Array) -> Mask:
    """Returns where any of the quantities exceeds its share of the range, or is no number."""
    within: Mask = reduce(np.maximum, quantities) <= largest / HEADROOM
    return ~within
