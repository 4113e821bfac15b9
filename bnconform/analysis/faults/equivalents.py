"""Correct variants: every formula is right, and sums or products are taken in another way than usual.

Rules: each is right in exact arithmetic and rounds no worse than its class; the self-test counts how many
of its values are compared without a false alarm.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from bnconform.analysis.faults.calculation import Calculation, Floats, Number
from bnconform.analysis.faults.fault import Fault
from bnconform.analysis.faults.features.replicas import replicas_of


class Reversed(Floats):
    """Sums that begin with the last row."""

    def total(self, t: np.ndarray) -> np.ndarray:
        """Returns the sums of the columns."""
        return super().total(t[::-1])


class Pairwise(Floats):
    """Sums of halves."""

    def total(self, t: np.ndarray) -> np.ndarray:
        """Returns the sums of the columns."""
        half = len(t) // 2
        return super().total(t) if half < 2 else np.asarray(self.total(t[:half]) + self.total(t[half:]))


class Blocked(Floats):
    """Sums of eight strided partial sums, as vector units keep them."""

    def total(self, t: np.ndarray) -> np.ndarray:
        """Returns the sums of the columns."""
        lanes = min(8, len(t))
        return super().total(np.stack([super(Blocked, self).total(t[lane::lanes]) for lane in range(lanes)]))


def _streamed(c: Calculation) -> tuple[np.ndarray, np.ndarray]:
    """Returns mean and Σ(x - mean)², value by value (Welford 1962)."""
    mean, squares = np.zeros_like(c.x[0]), np.zeros_like(c.x[0])
    for count, row in enumerate(c.x, 1):
        delta = row - mean
        mean = mean + delta / mean.dtype.type(count)
        squares = squares + delta * (row - mean)
    return mean, squares


def _merged(x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Returns mean and Σ(x - mean)² of both halves, merged (Chan, Golub and LeVeque 1979)."""
    if len(x) == 1:
        return x[0], np.zeros_like(x[0])
    one, half = x.dtype.type, len(x) // 2
    (mean_a, squares_a), (mean_b, squares_b) = _merged(x[:half]), _merged(x[half:])
    delta, rest = mean_b - mean_a, len(x) - half
    return mean_a + delta * one(rest / len(x)), squares_a + squares_b + delta * delta * one(half * rest / len(x))


def _shifted(c: Calculation) -> Number:
    """Returns the variance about the first value, less the square of the mean's distance from it."""
    away = c.x - c.x[0]
    mean = c.average(away)
    return c.average((away - mean) * (away - mean))


def _fused(a: np.ndarray, b: np.ndarray, c: np.ndarray) -> np.ndarray:
    """Returns a·b + c, rounded once."""
    wide = np.longdouble if a.dtype == np.float64 else np.float64
    return np.asarray(a.astype(wide) * b.astype(wide) + c.astype(wide)).astype(a.dtype)


def _folded(c: Calculation) -> Number:
    factor = c.scale * c.r
    return c.x * factor + (c.shift - c.centre * factor)


def _over_replicas(c: Calculation, t: np.ndarray) -> Number:
    """Returns Σt over the values of each replica, and then over the replicas, as an all-reduce adds them."""
    sums = [c.total(t[start:end]) for start, end in replicas_of(c)]
    return c.total(np.stack(sums)) if sums else c.total(t)


def _merged_over_replicas(c: Calculation) -> Number:
    """Returns Σ(x - mean)²/m by each replica's own mean and deviations, merged as Chan, Golub and LeVeque's."""
    found = c.mean * 0
    for start, end in replicas_of(c):
        own, count = c.x[start:end], c.x.dtype.type(end - start)
        mean = c.total(own) / count
        found = found + c.total((own - mean) * (own - mean)) + count * (mean - c.mean) * (mean - c.mean)
    return found / c.x.dtype.type(c.m)


def _right(name: str, sentence: str, numbers: Callable[[str], Floats] | None = None, **formulas: object) -> Fault:
    return Fault(name=name, chapter="variants", sentence=sentence, numbers=numbers, rounding=True, formulas=formulas)  # type: ignore[arg-type]


VARIANTS = (
    _right("in_order", "Sums run down the rows."),
    _right("in_reverse", "Sums begin with the last row.", Reversed),
    _right("in_pairs", "Sums are of halves, over and over.", Pairwise),
    _right("in_lanes", "Sums are of eight strided partial sums.", Blocked),
    _right("value_by_value", "Mean and variance are Welford's.", mean=lambda c: _streamed(c)[0],
           variance=lambda c: _streamed(c)[1] / c.x.dtype.type(c.m)),
    _right("merged", "Mean and variance are merged from halves, as Chan's.", mean=lambda c: _merged(c.x)[0],
           variance=lambda c: _merged(c.x)[1] / c.x.dtype.type(c.m)),
    _right("of_replicas", "Every sum is of each replica's values, and then of the replicas' sums.",
           mean=lambda c: _over_replicas(c, c.x) / float(c.m),
           variance=_merged_over_replicas,
           mean_term=lambda c: _over_replicas(c, c.g) / float(c.m),
           variance_term=lambda c: c.h_back * (_over_replicas(c, c.g * c.h_back) / float(c.m)),
           dgamma=lambda c: _over_replicas(c, c.g * c.h_back),
           dbeta=lambda c: _over_replicas(c, c.g)),
    _right("about_the_first_value", "The variance is of what is beyond the first value.", Pairwise, variance=_shifted),
    _right("folded", "The output is one product and one sum: x·a + (β - μ·a).", Pairwise, y=_folded),
    _right("fused", "The output is a fused multiply-add.", Pairwise,
           y=lambda c: _fused(c.h, c.scale + c.h * 0, c.shift + c.h * 0)),
)  # fmt: skip
