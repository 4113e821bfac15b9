"""A Solution is every quantity of one Case, in the arithmetic of the reference.

Rules: data and parameters of 32 bits or fewer are solved in float64 with a corrected mean, others in double-double, so
that the reference's own error is far below any bound. One Solution per Case, computed when first asked for and
forgotten with the Case.
"""

from __future__ import annotations

from functools import cached_property
from typing import NamedTuple

import numpy as np

import bnconform.oracle.reference.equations as equations
from bnconform.contract.axes import to_rows
from bnconform.contract.case import PER_CHANNEL, Case
from bnconform.contract.memo import once
from bnconform.oracle.reference.doubledouble import DoubleDouble
from bnconform.oracle.reference.equations import Gradients, Number, SecondGradients, Standardization
from bnconform.oracle.reference.reductions import Array


class Direction(NamedTuple):
    """The direction in which a Case moves, on (m, C) and (C,): tangents of x, γ and β, or cotangents of dx, dγ and
    dβ."""

    x: Array
    gamma: Array
    beta: Array


class Pulled(NamedTuple):
    """A cotangent on (m, C), and the gradients that it gives."""

    rows: Array
    gradients: Gradients[Array]


class Solution:
    """Every quantity of one Case on (m, C) matrices, in the arithmetic of the reference; it holds no Case alive."""

    def __init__(self, case: Case) -> None:
        self.extended = any(one is not None and one.dtype == np.float64 for one in (case.x, *_parameters(case)))
        self.mode = case.mode
        self.x = _float64(to_rows(case.x, case.axis))
        self.m, self.channels = self.x.shape
        self.g = None if case.dy is None else _float64(to_rows(case.dy, case.axis))
        self.z = None if case.bar_grad_x is None else _float64(to_rows(case.bar_grad_x, case.axis))
        self.gamma = np.ones(self.channels) if case.gamma is None else _float64(case.gamma)
        self.beta = np.zeros(self.channels) if case.beta is None else _float64(case.beta)
        self.running_mean = None if case.running_mean is None else _float64(case.running_mean)
        self.running_var = None if case.running_var is None else _float64(case.running_var)
        self.eps, self.momentum = float(case.eps), float(case.momentum)
        self.tangents = _direction(case, case.dot_x, case.dot_gamma, case.dot_beta)
        self.bias = np.zeros(self.channels) if case.bias is None else _float64(case.bias)
        self.dmean, self.dvar = _optional(case.dmean), _optional(case.dvar)
        self.cotangents = _direction(case, case.bar_dx, case.bar_dgamma, case.bar_dbeta)

    @cached_property
    def batch(self) -> Standardization[Number]:
        """x standardized by its own statistics."""
        return equations.standardize_by_batch(self._lift(self.x), self._lift(self.eps))

    @cached_property
    def population(self) -> Standardization[Number]:
        """x standardized by the running statistics."""
        mean, variance = self.need("running_mean"), self.need("running_var")
        lift = self._lift
        return equations.standardize_by_population(lift(self.x), lift(mean), lift(variance), lift(self.eps))

    @cached_property
    def batch_values(self) -> Standardization[Array]:
        """`batch`, rounded to float64."""
        return self.batch.rounded()

    @cached_property
    def population_values(self) -> Standardization[Array]:
        """`population`, rounded to float64."""
        return self.population.rounded()

    @cached_property
    def trained(self) -> Array:
        """y by the batch's statistics, of shape (m, C)."""
        return equations.rounded(equations.scale_and_shift(self.batch.h, self.gamma, self.beta))

    @cached_property
    def inferred(self) -> Array:
        """y by the running statistics, of shape (m, C)."""
        return equations.rounded(equations.scale_and_shift(self.population.h, self.gamma, self.beta))

    @cached_property
    def next_mean(self) -> Array:
        """The running mean after a training step, of shape (C,)."""
        old = self._lift(self.need("running_mean"))
        return equations.rounded(equations.moving_average(old, self.batch.mean, self._lift(self.momentum)))

    def next_variance(self, correction: int) -> Array:
        """The running variance after a training step that averages Σd²/(m - correction), of shape (C,)."""
        old = self._lift(self.need("running_var"))
        if self.m == correction:
            return np.full(self.channels, np.nan)
        new = self.batch.variance * float(self.m) / float(self.m - correction)
        return equations.rounded(equations.moving_average(old, new, self._lift(self.momentum)))

    @cached_property
    def gradients(self) -> Gradients[Array]:
        """The gradients of the Case's mode, rounded to float64."""
        return self._through(self.need("g")).rounded()

    @cached_property
    def dx(self) -> Array:
        """The gradient of x, with the part of cotangents of the batch's statistics."""
        if self.mode == "infer" or (self.dmean is None and self.dvar is None):
            return self.gradients.dx
        through_y = self._through(self.need("g")).dx
        dmean, dvar = (self._lift(np.zeros(self.channels) if v is None else v) for v in (self.dmean, self.dvar))
        return equations.rounded(through_y + equations.through_statistics(dmean, dvar, self.batch))

    @cached_property
    def running_gradients(self) -> tuple[Array, Array]:
        """The gradients of the running mean and of the running variance in inference, of shape (C,)."""
        through = self._through(self.need("g"))
        mean, variance = equations.through_population(through, self.gamma, self.population)
        return equations.rounded(mean), equations.rounded(variance)

    @cached_property
    def pushed(self) -> Gradients[Array]:
        """The gradients with the tangent of x in place of the cotangent of y, rounded to float64."""
        return self._through(self.along("tangents").x).rounded()

    @cached_property
    def dot_y(self) -> Array:
        """The tangent of y in the Case's mode, of shape (m, C)."""
        to = self.along("tangents")
        stats = self.batch if self.mode == "train" else self.population
        return equations.rounded(equations.tangent(self._through(to.x).dx, stats, to.gamma, to.beta))

    @cached_property
    def pulled(self) -> Gradients[Array]:
        """The gradients with the cotangent of dx in place of the cotangent of y, rounded to float64."""
        return self._through(self.along("cotangents").x).rounded()

    @cached_property
    def second(self) -> SecondGradients[Array]:
        """The gradients of the gradients in the Case's mode, rounded to float64."""
        w, g = self.along("cotangents"), self._lift(self.need("g"))
        through_w, w_rows = self._through(w.x), self._lift(w.x)
        if self.mode == "infer":
            return equations.inference_second_gradients(
                through_w, w.gamma, w.beta, g, w_rows, self.population
            ).rounded()
        through_g = equations.training_gradients(g, self.gamma, self.batch)
        return equations.training_second_gradients(
            through_w, w.gamma, w.beta, through_g, w_rows, self.gamma, self.batch
        ).rounded()

    @cached_property
    def third_directions(self) -> Pulled:
        """The cotangent of the gradient of the gradient of x, and what it would give in place of that of y."""
        z = self.need("z")
        return Pulled(z, self._through(z).rounded())

    @cached_property
    def third_x(self) -> Array:
        """The third derivative in x, of shape (m, C)."""
        rows = self.need("z"), self.along("cotangents").x, self.need("g")
        gradients = [equations.training_gradients(self._lift(t), self.gamma, self.batch) for t in rows]
        lifted = [self._lift(t) for t in rows]
        return equations.rounded(equations.training_third_gradient(gradients, lifted, self.gamma, self.batch))

    @cached_property
    def folded_weight(self) -> Array:
        """The weight x of a layer with the normalization behind it in it, of shape (m, C)."""
        return equations.rounded(self._lift(self.x) * (self.population.r * self.gamma))

    @cached_property
    def folded_bias(self) -> Array:
        """The bias of the same layer, of shape (C,)."""
        distance = self._lift(self.bias) - self.need("running_mean")
        return equations.rounded(equations.scale_and_shift(distance * self.population.r, self.gamma, self.beta))

    def _through(self, t: Array) -> Gradients[Number]:
        """Returns the gradients of the Case's mode for a cotangent t."""
        if self.mode == "train":
            return equations.training_gradients(self._lift(t), self.gamma, self.batch)
        return equations.inference_gradients(self._lift(t), self.gamma, self.population)

    def need(self, name: str) -> Array:
        """Returns the Case's array `name`; raises ValueError where the Case has none."""
        array: Array | None = getattr(self, name)
        if array is None:
            raise ValueError(f"Case.{'dy' if name == 'g' else name} is None; the quantity asked for depends on it")
        return array

    def along(self, name: str) -> Direction:
        """Returns the Case's `tangents` or `cotangents`; raises ValueError where the Case has none."""
        direction: Direction | None = getattr(self, name)
        if direction is None:
            raise ValueError(f"the Case has no {name}; the quantity asked for depends on them")
        return direction

    def _lift(self, value: float | Array) -> Number:
        return DoubleDouble(value) if self.extended else value


@once
def solution(case: Case) -> Solution:
    """Returns the solution that all functions of `case` share."""
    return Solution(case)


def _direction(case: Case, x: np.ndarray | None, gamma: np.ndarray | None, beta: np.ndarray | None) -> Direction | None:
    """Returns a direction with zeros for the parts that the Case leaves out; None where it names none at all."""
    if x is None and gamma is None and beta is None:
        return None
    rows = np.zeros((case.rows, case.channels)) if x is None else _float64(to_rows(x, case.axis))
    none = np.zeros(case.channels)
    return Direction(rows, none if gamma is None else _float64(gamma), none if beta is None else _float64(beta))


def _parameters(case: Case) -> list[np.ndarray | None]:
    return [getattr(case, name) for name in PER_CHANNEL]


def _optional(vector: np.ndarray | None) -> Array | None:
    return None if vector is None else _float64(vector)


def _float64(array: np.ndarray) -> Array:
    return array.astype(np.float64, copy=False)
