"""Whole tiny implementations: wrong on purpose, or correct in an unusual way. An adapter like any stranger's.

Rules: every step is rounded to the dtype of x, as an implementation without wider sums would; a wrong one is wrong in
one place only, which its name tells; nothing here is imported from bnconform but the public contract.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np

from bnconform import Case, Implementation, Outcome

Array = np.ndarray


def in_order(t: Array) -> Array:
    total = np.zeros_like(t[0])
    for row in t:
        total = total + row
    return total


def reversed_order(t: Array) -> Array:
    return in_order(t[::-1])


def pairwise(t: Array) -> Array:
    half = len(t) // 2
    return t[0] if half == 0 else pairwise(t[:half]) + pairwise(t[half:])


def fused(a: Array, b: Array, c: Array) -> Array:
    """Returns a·b + c with one rounding, as a fused multiply-add gives it."""
    wide = np.longdouble if c.dtype == np.float64 else np.float64
    return np.asarray(a.astype(wide) * b.astype(wide) + c.astype(wide)).astype(c.dtype)


def welford(x: Array) -> tuple[Array, Array]:
    """Returns the mean and Σ(x - mean)², value by value."""
    mean, squares = np.zeros_like(x[0]), np.zeros_like(x[0])
    for i, row in enumerate(x, 1):
        delta = row - mean
        mean = mean + delta / x.dtype.type(i)
        squares = squares + delta * (row - mean)
    return mean, squares


def chan(x: Array) -> tuple[Array, Array]:
    """Returns the mean and Σ(x - mean)², merged from halves."""
    if len(x) < 4:
        return welford(x)
    one, half = x.dtype.type, len(x) // 2
    (mean_a, squares_a), (mean_b, squares_b) = chan(x[:half]), chan(x[half:])
    delta, rest = mean_b - mean_a, len(x) - half
    mean = mean_a + delta * one(rest / len(x))
    return mean, squares_a + squares_b + delta * delta * one(half * rest / len(x))


@dataclass(frozen=True)
class Mathematics:
    """Where miniatures differ: how they add up, and which one formula is wrong."""

    total: Callable[[Array], Array] = in_order
    streamed: Callable[[Array], tuple[Array, Array]] | None = None
    fused: bool = False
    folded: bool = False
    correction: int = 0
    epsilon_outside: bool = False
    momentum_swapped: bool = False
    stopped_gradient: bool = False
    forgets_the_mean: bool = False
    one_pass: bool = False

    def moments(self, x: Array) -> tuple[Array, Array]:
        count = x.dtype.type(len(x))
        if self.streamed is not None:
            mean, squares = self.streamed(x)
            return mean, squares / count
        mean = self.total(x) / count
        if self.one_pass:
            return mean, self.total(x * x) / count - mean * mean
        d = x - mean
        return mean, self.total(d * d) / x.dtype.type(max(len(x) - self.correction, 1))

    def root(self, variance: Array, eps: Array) -> Array:
        one = variance.dtype.type(1)
        return one / (np.sqrt(variance) + eps) if self.epsilon_outside else one / np.sqrt(variance + eps)

    def average(self, old: Array, new: Array, momentum: float) -> Array:
        weight = old.dtype.type(momentum)
        rest = old.dtype.type(1) - weight
        return rest * new + weight * old if self.momentum_swapped else rest * old + weight * new


def run(how: Mathematics, case: Case) -> Outcome:
    x = np.moveaxis(case.x, case.axis, -1).reshape(-1, case.x.shape[case.axis])
    if not len(x):
        raise ValueError("a batch of no examples")
    one = x.dtype.type
    gamma = np.ones_like(x[0]) if case.gamma is None else case.gamma
    beta = np.zeros_like(x[0]) if case.beta is None else case.beta
    training = case.mode == "train"
    mean, variance = how.moments(x) if training else (case.running_mean, case.running_var)
    r = how.root(variance, one(case.eps))
    h = x * r if how.forgets_the_mean else (x - mean) * r
    scale = gamma * r
    y = x * scale + (beta - mean * scale) if how.folded else h * gamma + beta
    if how.fused:
        y = fused(h, gamma + np.zeros_like(h), beta + np.zeros_like(h))
    found = {"y": y}
    if training and case.running_mean is not None:
        unbiased = variance * one(len(x) / max(len(x) - 1, 1) if how.correction == 0 else 1)
        found["running_mean"] = how.average(case.running_mean, mean, case.momentum)
        found["running_var"] = how.average(case.running_var, unbiased, case.momentum)
    if not training:
        found |= {"running_mean": case.running_mean, "running_var": case.running_var}
    if case.dy is not None:
        found |= gradients(how, case, h, scale, training)
    shape = np.moveaxis(case.x, case.axis, -1).shape
    for name in ("y", "dx"):
        if name in found:
            found[name] = np.moveaxis(found[name].reshape(shape), -1, case.axis)
    return Outcome(**found)


def gradients(how: Mathematics, case: Case, h: Array, scale: Array, training: bool) -> dict[str, Array]:
    g = np.moveaxis(case.dy, case.axis, -1).reshape(h.shape)
    count = h.dtype.type(len(h))
    dgamma, dbeta = how.total(g * h), how.total(g)
    through = training and not how.stopped_gradient
    dx = scale * (g - dbeta / count - h * (dgamma / count)) if through else scale * g
    return {"dx": dx, "dgamma": dgamma, "dbeta": dbeta}


CORRECT = {
    "in_order": Mathematics(),
    "reversed": Mathematics(total=reversed_order),
    "pairwise": Mathematics(total=pairwise),
    "welford": Mathematics(streamed=welford),
    "chan": Mathematics(streamed=chan),
    "fused": Mathematics(fused=True, total=pairwise),
    "folded": Mathematics(folded=True, total=pairwise),
}
WRONG = {
    "unbiased_variance_in_y": Mathematics(correction=1),
    "epsilon_outside_the_root": Mathematics(epsilon_outside=True),
    "momentum_swapped": Mathematics(momentum_swapped=True),
    "gradient_stopped_at_the_statistics": Mathematics(stopped_gradient=True),
    "mean_not_subtracted": Mathematics(forgets_the_mean=True),
}
WEAK = {"variance_below_zero": Mathematics(one_pass=True)}  # right in exact arithmetic, and in float64 nearly so
DTYPES = {"float16", "bfloat16", "float32", "float64"}


def _quiet(how: Mathematics, case: Case) -> Outcome:
    with np.errstate(all="ignore"):
        return run(how, case)


IMPLEMENTATIONS = [
    Implementation(name=f"miniatures.{name}", run=partial(_quiet, how), dtypes=DTYPES)
    for name, how in {**CORRECT, **WRONG, **WEAK}.items()
]
