"""The arithmetic of one pass over the data, and how far rounding can carry a sum.

Rules: every sum in every bound goes through `error_of_sum`; worst case over all roundings and all orders of summation.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np

from bnconform.oracle.bounds.formats import Arithmetic, EffectiveArithmetic
from bnconform.oracle.reference.reductions import Array, peaks, totals


@dataclass(frozen=True, slots=True)
class Rounding:
    """The arithmetic of one pass over m rows; `excess` = u_e - u is the rounding of products beyond that of sums."""

    m: int
    u: float
    u_e: float
    u_s: float
    t_s: float
    t0: float
    excess: float
    shuffled: bool

    def gamma(self, n: int) -> float:
        """Returns γ_n = n·u/(1 - n·u), infinite where n·u ≥ ½."""
        nu = n * self.u
        return nu / (1.0 - nu) if nu < 0.5 else np.inf

    def stored(self, statistic: Array) -> Array:
        """Bounds the change of a statistic stored between passes: u_s of it, or t_s; below t_s the type keeps nothing
        or multiples of t_s alone.
        """
        return np.maximum(self.u_s * np.abs(statistic), self.t_s)


@dataclass(frozen=True, slots=True)
class Moments:
    """The moments on which the error of a sum depends, per channel: Σt, Σ|t| and the standard deviation of t."""

    total: Array
    absolute: Array
    spread: Array


def forward_rounding(m: int, types: EffectiveArithmetic, shuffled: bool) -> Rounding:
    """Returns the arithmetic of the statistics and of y."""
    u = types.accumulate.u
    u_e = max(u, types.elementwise.u)
    u_s, t_s = (0.0, 0.0) if types.stored is None else (types.stored.u, types.stored.kept)
    return Rounding(m, u, u_e, u_s, t_s, smallest_kept(types), u_e - u, shuffled)


def backward_rounding(forward: Rounding, cotangents: Arithmetic) -> Rounding:
    """Returns the arithmetic of sums of cotangents; their products are elementwise."""
    t0 = max(forward.t0, cotangents.subnormal)
    excess = max(0.0, forward.u_e - cotangents.u)
    return replace(forward, u=cotangents.u, t0=t0, excess=excess)


def smallest_kept(types: EffectiveArithmetic) -> float:
    """Returns t0, the smallest number that neither the sums nor the elementwise arithmetic lose."""
    return max(types.accumulate.kept, types.elementwise.kept)


def moments(t: Array) -> Moments:
    """Returns the moments of t over its rows."""
    magnitude = np.abs(t)
    total, absolute = totals(t), totals(magnitude)
    # Squares of t/max|t| cannot underflow to nothing. What cancels in E[t²] - E[t]² is below 1e-7·|mean|, nothing
    # beside the term in |Σt| that stands next to the spread in every error.
    peak = np.maximum(peaks(magnitude), 5e-324)
    unit = t / peak
    mean = total / peak / len(t)
    square = totals(unit * unit) / len(t)
    return Moments(total, absolute, peak * np.sqrt(np.maximum(square - mean * mean, 0.0)))


def error_of_sum(rounding: Rounding, t: Moments) -> Array:
    """Bounds the error of a computed Σt, in any order of summation.

    Rows in random order admit the smaller of two bounds: partial sums then stay near a straight line from 0 to Σt.
    """
    m, u = rounding.m, rounding.u
    worst = rounding.gamma(m + 8) * t.absolute
    if not rounding.shuffled:
        return worst
    partial = (m / 2 + 3) * np.abs(t.total) + 1.5 * m * math.sqrt(m) * t.spread + 8 * t.absolute
    return np.minimum(worst, partial * (u / (1.0 - min(0.5, (m + 8) * u))))


def rounding_of_output(u: float, magnitude: Array, error: Array) -> Array:
    """Bounds the rounding to the output's type, of a value of that magnitude with that error already.

    It is half a unit in the last place of the rounded value, at most magnitude + error: u times the power of two at or
    below that, and so up to two times less than u times the magnitude.
    """
    return np.asarray(np.ldexp(u, np.frexp(magnitude + error)[1] - 1))
