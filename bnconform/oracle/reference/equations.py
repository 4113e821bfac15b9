"""The equations of batch normalization on matrices of shape (m, C), one column per channel.

Rules: each equation stands once, for float64 arrays and for DoubleDoubles alike; nothing here knows of Cases, layouts
or dtypes. A DoubleDouble is moved by exact powers of two wherever a square or a mean could leave float64's range;
float64 arrays hold inputs of 32 bits or fewer, whose squares cannot, and are never moved.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeAlias, TypeVar

import numpy as np

from bnconform.oracle.reference.doubledouble import DoubleDouble
from bnconform.oracle.reference.reductions import Array, totals

Number: TypeAlias = Any
"""A float64 array or a DoubleDouble; the operators are all that the equations ask of either."""
N = TypeVar("N")


@dataclass(frozen=True, slots=True)
class Standardization(Generic[N]):
    """Statistics and what they make of x: mean, variance, spread = √variance and r = 1/√(variance + ε), of shape (C,);
    d = x - mean and h = d·r, of shape (m, C).
    """

    mean: N
    variance: N
    spread: N
    r: N
    d: N
    h: N

    def rounded(self) -> Standardization[Array]:
        """Returns the same values as float64 arrays."""
        return Standardization(*map(rounded, (self.mean, self.variance, self.spread, self.r, self.d, self.h)))


@dataclass(frozen=True, slots=True)
class Gradients(Generic[N]):
    """Gradients for a cotangent g: dx of shape (m, C); dgamma, dbeta, mean = mean(g) and component = mean(g·h) of shape
    (C,); `projection` is the part P(g) of g that reaches dx in training, and g itself in inference.
    """

    dx: N
    dgamma: N
    dbeta: N
    mean: N
    component: N
    projection: N

    def rounded(self) -> Gradients[Array]:
        """Returns the same values as float64 arrays."""
        values = (self.dx, self.dgamma, self.dbeta, self.mean, self.component, self.projection)
        return Gradients(*map(rounded, values))


def standardize_by_batch(x: Number, eps: Number) -> Standardization[Number]:
    """Standardizes x by its own mean and biased variance."""
    unit = _exponent(x)
    mean, d = _centre(_shifted(x, -unit))
    variance = _mean(d * d)
    r, root_unit = _inverse_root(variance, unit, eps)
    return Standardization(
        _shifted(mean, unit),
        _shifted(variance, 2 * unit),
        _shifted(_sqrt(variance), unit),
        _shifted(r, -root_unit),
        _shifted(d, unit),
        _shifted(d * r, unit - root_unit),
    )


def standardize_by_population(x: Number, mean: Number, variance: Number, eps: Number) -> Standardization[Number]:
    """Standardizes x by a given mean and variance."""
    unit = np.maximum(_exponent(x), _exponent(mean, reduce=False))
    d = _shifted(x, -unit) - _shifted(mean, -unit)
    r, root_unit = _inverse_root(variance, 0, eps)
    h = _shifted(d * r, unit - root_unit)
    return Standardization(mean, variance, _sqrt(variance), _shifted(r, -root_unit), _shifted(d, unit), h)


def scale_and_shift(h: Number, gamma: Number, beta: Number) -> Number:
    """Returns y = γ·h + β."""
    return h * gamma + beta


def moving_average(old: Number, new: Number, weight: Number) -> Number:
    """Returns (1 - ω)·old + ω·new."""
    return old * (1.0 - weight) + new * weight


def training_gradients(
    g: Number, gamma: Number, batch: Standardization[Number], rows: int | None = None
) -> Gradients[Number]:
    """Returns the gradients through batch statistics: dx = γ·r·P(g), dγ = Σg·h, dβ = Σg.

    rows: m, where further rows are left out, in which g and h are 0.
    """
    unit = _exponent(g)
    g = _shifted(g, -unit)
    m = len(rounded(g)) if rows is None else rows
    dbeta, dgamma = _total(g), _total(g * batch.h)
    mean, component = dbeta / m, dgamma / m
    projection = g - mean - batch.h * component
    dx = projection * (batch.r * gamma)
    return Gradients(*(_shifted(value, unit) for value in (dx, dgamma, dbeta, mean, component, projection)))


def inference_gradients(g: Number, gamma: Number, population: Standardization[Number]) -> Gradients[Number]:
    """Returns the gradients through fixed statistics: dx = γ·r·g, dγ = Σg·h, dβ = Σg."""
    unit = _exponent(g)
    g = _shifted(g, -unit)
    m = len(rounded(g))
    dbeta, dgamma = _total(g), _total(g * population.h)
    dx = g * (population.r * gamma)
    return Gradients(*(_shifted(value, unit) for value in (dx, dgamma, dbeta, dbeta / m, dgamma / m, g)))


def through_statistics(dmean: Number, dvar: Number, batch: Standardization[Number]) -> Number:
    """Returns the gradient of x by cotangents of the batch's mean and biased variance: dmean/m + dvar·2d/m. That the
    variance depends on the mean as well adds nothing, since Σd = 0.
    """
    m = len(rounded(batch.d))
    return batch.d * (dvar * 2.0 / m) + dmean / m


def through_population(
    g: Gradients[Number], gamma: Number, population: Standardization[Number]
) -> tuple[Number, Number]:
    """Returns the gradients of the running statistics: -γ·r·Σg of the mean, -½γ·r²·Σg·h of the variance."""
    scaled = population.r * gamma
    return scaled * g.dbeta * -1.0, scaled * population.r * g.dgamma * -0.5


@dataclass(frozen=True, slots=True)
class SecondGradients(Generic[N]):
    """Gradients of <w, dx> + <p, dγ> + <q, dβ> in x, γ and the cotangent g; product = Σw·P(g), in inference Σw·g."""

    x: N
    gamma: N
    g: N
    product: N

    def rounded(self) -> SecondGradients[Array]:
        """Returns the same values as float64 arrays."""
        return SecondGradients(*map(rounded, (self.x, self.gamma, self.g, self.product)))


def tangent(through_x: Number, stats: Standardization[Number], dot_gamma: Number, dot_beta: Number) -> Number:
    """Returns ẏ = γ·r·P(ẋ) + γ̇·h + β̇. P is symmetric, so its first term is what a cotangent ẋ would send to x."""
    return through_x + stats.h * dot_gamma + dot_beta


def training_second_gradients(
    w: Gradients[Number],
    p: Number,
    q: Number,
    g: Gradients[Number],
    w_rows: Number,
    gamma: Number,
    batch: Standardization[Number],
) -> SecondGradients[Number]:
    """Returns the gradients of training's gradients, from the gradients for w and for g in place of a cotangent."""
    r, h, m = batch.r, batch.h, len(rounded(w_rows))
    product = _total(w_rows * g.projection)
    inner = h * (product / m) + g.projection * w.component + w.projection * g.component
    x = g.projection * (r * p) - inner * (r * r * gamma)
    return SecondGradients(x, product * r, tangent(w.dx, batch, p, q), product)


def training_third_gradient(
    t: Sequence[Gradients[Number]],
    rows: Sequence[Number],
    gamma: Number,
    batch: Standardization[Number],
) -> Number:
    """Returns ∇x of the derivative of ∇x<w, dx> along z, from the gradients for z, w, g in place of a cotangent.

    With Q(a, b) = mean(a·P(b)) it is γ·r³·(2h·ΣcQ - ΣP·(Q - 2cc)), each sum over z, w, g, with Q and cc of the others.
    """
    m, along, across = len(rounded(rows[0])), 0.0, 0.0
    for one, other, third in ((0, 1, 2), (1, 2, 0), (2, 0, 1)):
        q = _total(rows[other] * t[third].projection) / m
        along = t[one].component * q + along
        across = t[one].projection * (q - t[other].component * t[third].component * 2.0) + across
    return (batch.h * along * 2.0 - across) * (batch.r * batch.r * batch.r * gamma)


def inference_second_gradients(
    w: Gradients[Number], p: Number, q: Number, g_rows: Number, w_rows: Number, population: Standardization[Number]
) -> SecondGradients[Number]:
    """Returns the gradients of inference's gradients: ∂x = p·r·g, ∂γ = r·Σw·g, ∂g = γ·r·w + p·h + q."""
    r, product = population.r, _total(w_rows * g_rows)
    return SecondGradients(g_rows * (r * p), product * r, tangent(w.dx, population, p, q), product)


def rounded(number: Number) -> Array:
    """Returns `number` as a float64 array."""
    value: Array = number.high if isinstance(number, DoubleDouble) else number
    return value


def _centre(x: Number) -> tuple[Number, Number]:
    """Returns (mean, x - mean). In float64 the mean of the deviations corrects both: without it the error of the mean
    grows with |mean|/spread and reaches h unhindered.
    """
    mean = _mean(x)
    d = x - mean
    if isinstance(d, DoubleDouble):
        return mean, d
    correction = _mean(d)
    return mean + correction, d - correction


def _inverse_root(variance: Number, unit: Any, eps: Number) -> tuple[Number, Any]:
    """Returns (r, e) with r·2^-e = 1/√(variance·4^unit + ε), r near 1 where the numbers are DoubleDoubles."""
    if not isinstance(variance, DoubleDouble):
        return 1.0 / np.sqrt(variance + eps), 0
    half = np.maximum(_exponent(variance, reduce=False) // 2 + unit, _exponent(eps, reduce=False) // 2)
    rho = variance.scaled(2 * (unit - half)) + eps.scaled(-2 * half)
    return 1.0 / rho.sqrt(), half


def _exponent(number: Number, reduce: bool = True) -> Any:
    """Returns the exponent of each channel's largest magnitude, or of each value; 0 for float64 arrays."""
    if not isinstance(number, DoubleDouble):
        return 0
    magnitude = np.abs(number.high)
    return np.frexp(magnitude.max(axis=0) if reduce else magnitude)[1]


def _shifted(number: Number, exponent: Any) -> Number:
    return number.scaled(exponent) if isinstance(number, DoubleDouble) else number


def _total(number: Number) -> Number:
    return number.total() if isinstance(number, DoubleDouble) else totals(number)


def _mean(number: Number) -> Number:
    return _total(number) / len(rounded(number))


def _sqrt(number: Number) -> Number:
    return number.sqrt() if isinstance(number, DoubleDouble) else np.sqrt(number)
