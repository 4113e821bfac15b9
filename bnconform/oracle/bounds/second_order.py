"""The error terms of tangents and of second gradients, put together into an allowance for each output.

Rules: those of `first_order`. No implementation documents the type in which it computes these: for inputs of 16 bits it
may be their own throughout, whatever the Dialect says of y. w, p, q are the cotangents of dx, dγ and dβ; c_t =
mean(t·h), e_t the error of its computed value, and P(t) = t - mean(t) - h·c_t.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

import bnconform.oracle.bounds.error_terms as error_terms
import bnconform.oracle.bounds.overflow as overflow
from bnconform.contract.case import Case
from bnconform.contract.dialect import Dialect
from bnconform.oracle.bounds.first_order import Allowance, ChannelErrors
from bnconform.oracle.bounds.formats import arithmetic
from bnconform.oracle.bounds.rounding import Rounding, backward_rounding, error_of_sum, moments
from bnconform.oracle.reference.equations import Gradients
from bnconform.oracle.reference.quantities import Direction
from bnconform.oracle.reference.reductions import Array, Mask, peaks, totals


@dataclass(frozen=True, slots=True)
class Projection:
    """P(t) of one direction t, magnitudes and errors: of t, its mean, c and P(t); `terms`, the summands of P(t)."""

    rows: Array
    exact: Gradients[Array]
    mean: Array
    c: Array
    size: Array
    terms: Array
    error_of_sum: Array
    error_of_c: Array
    error: Array


class SecondOrderErrors(ChannelErrors):
    """Bounds on the tangents and second gradients of one Case, channel by channel."""

    def __init__(self, case: Case, dialect: Dialect) -> None:
        if arithmetic(case.dtype).bits == 16:
            own = dict.fromkeys(("stats_dtype", "stored_dtype", "elementwise_dtype", "cotangent_dtype"))
            dialect = replace(dialect, **own)  # type: ignore[arg-type]
        super().__init__(case, dialect)

    @cached_property
    def sums(self) -> Rounding:
        """The arithmetic of sums over cotangents and tangents."""
        return backward_rounding(self.rounding, self.types.cotangents)

    def dot_y(self) -> Allowance:
        """Bounds the tangent of y."""
        to = self.solution.along("tangents")
        return self._pushed(to, self.solution.pushed, self.solution.dot_y, self._overflow(to))

    def grad_dy(self) -> Allowance:
        """Bounds the gradient of dy: the tangent that w, p and q would push through."""
        of = self.solution.along("cotangents")
        return self._pushed(of, self.solution.pulled, self.solution.second.g, self._second_overflow())

    def grad_gamma(self) -> Allowance:
        """Bounds the gradient of gamma."""
        (stats, errors), value = self._standardization(), self.solution.second.gamma
        products = self.solution.along("cotangents").x * self.solution.need("g")
        terms = totals(np.abs(products))
        if self.training:
            error, left = self._error_of_product(), 4 * self.rounding.u_e
            terms = terms + self.rounding.m * (self._g.mean * self._w.mean + self._g.c * self._w.c)
        else:
            error, left = self._error_of_sum(products) + 4 * self.rounding.u_e * terms, 2 * self.rounding.u_e
        lost = 2 * self.rounding.m * self.rounding.t0 * (1 + stats.r)
        error = stats.r * (1 + errors.root) * error + np.abs(value) * (errors.root + left) + lost
        return self._parameter(error, value, stats.r * terms, self._second_overflow())

    def grad_x(self) -> Allowance:
        """Bounds the gradient of x."""
        (stats, errors), value = self._standardization(), self.solution.second.x
        u_e, t0, r = self.rounding.u_e, self.rounding.t0, stats.r
        p = np.abs(self.solution.along("cotangents").gamma)
        lost = t0 * (4 * (1 + self.sizes.gamma) + (1 + p) * (1 + r) + np.abs(self.solution.need("g")))
        if not self.training:
            scale = p * r * np.abs(self.solution.need("g"))
            return self._elementwise(
                np.abs(value) * (errors.root + 6 * u_e) + lost, value, scale, self._second_overflow()
            )
        g, w, h, squared = self._g, self._w, np.abs(stats.h), self.sizes.gamma * r * r
        product = np.abs(self.solution.second.product) / self.rounding.m
        parts = squared * (h * product + w.c * g.size + g.c * w.size)
        grown = (1 + errors.root) ** 2
        error = (
            squared * grown * self._error_of_inner()
            + parts * (grown - 1 + 8 * u_e)
            + p * r * (1 + errors.root) * g.error
            + p * r * g.size * (errors.root + 6 * u_e)
            + 3 * u_e * np.abs(value)
        )
        made_of = totals(np.abs(w.rows * g.rows)) / self.rounding.m + w.mean * g.mean + w.c * g.c
        scale = squared * (h * made_of + w.c * g.terms + g.c * w.terms) + p * r * g.terms
        return self._elementwise(error + lost, value, scale, self._second_overflow())

    @cached_property
    def _g(self) -> Projection:
        return self._projection(self.solution.need("g"), self.solution.gradients)

    @cached_property
    def _w(self) -> Projection:
        return self._projection(self.solution.along("cotangents").x, self.solution.pulled)

    def _projection(self, t: Array, exact: Gradients[Array]) -> Projection:
        """Returns P(t) in training with its errors; the sum of t·h may be formed of t or of t - mean(t)."""
        own, sums, stats, errors = self.solution, self.sums, self.solution.batch_values, self.batch
        of_t, m, h = moments(t), self.rounding.m, np.abs(stats.h)
        uncentred = own.x if self.one_pass or self.uncentred else None
        of_sum_h = (
            m * stats.r * (1 + errors.root) * errors.mean
            + error_terms.rounding_of_h(sums, stats)
            + 4 * sums.u_e * totals(h)
        )
        of_component = error_terms.error_of_component(sums, stats, errors, t, of_t, exact.component, uncentred)
        of_component = of_component + np.abs(exact.mean) * of_sum_h
        error = error_terms.error_of_projection(sums, stats, errors, t, of_t, exact, of_component)
        if self.one_pass:
            error = error + error_terms.error_of_one_pass_projection(sums, stats, errors, own.x, exact.component)
        terms = error_terms.terms_of_projection(stats, t, exact)
        if self.rounded_branches:
            error = error + 2 * self.types.output.u * terms
        error = error + error_terms.vanishing_branch(sums, stats, own.gamma, exact.component)
        mean, c, size = np.abs(exact.mean), np.abs(exact.component), np.abs(exact.projection)
        return Projection(t, exact, mean, c, size, terms, error_of_sum(sums, of_t), of_component / m, error)

    def _pushed(self, to: Direction, exact: Gradients[Array], value: Array, blocked: Mask) -> Allowance:
        """Bounds γ·r·P(t) + γ̇·h + β̇, in inference with t for P(t)."""
        (stats, errors), u_e, t0 = self._standardization(), self.rounding.u_e, self.rounding.t0
        scaled, dot_gamma, dot_beta, t = self.sizes.gamma * stats.r, np.abs(to.gamma), np.abs(to.beta), np.abs(to.x)
        h, through = np.abs(stats.h), np.abs(exact.dx)
        lost = t0 * (t + 4 + self.sizes.gamma + stats.r * (1 + self.sizes.gamma + dot_gamma) + dot_gamma)
        if self.training:
            projection = self._projection(to.x, exact)
            error = scaled * (1 + errors.root) * projection.error + through * (errors.root + 7 * u_e)
            error, terms = error + dot_gamma * errors.h + u_e * np.abs(value), projection.terms
            lost = lost + t0 * (projection.size + 4 * (self.magnitude + np.abs(stats.mean)))
        else:
            folded = errors.h + 2 * u_e * stats.r * (np.abs(stats.d) + np.abs(stats.mean))
            error, terms = through * (errors.root + 6 * u_e) + dot_gamma * folded + 2 * u_e * np.abs(value), t
            lost = lost + t0 * (self.magnitude + np.abs(stats.mean)) * (1 + dot_gamma)
        error = error + 3 * u_e * (dot_gamma * h + dot_beta) + lost
        return self._elementwise(error, value, scaled * terms + dot_gamma * np.maximum(h, 1.0) + dot_beta, blocked)

    def _error_of_sum(self, t: Array) -> Array:
        return error_of_sum(self.sums, moments(t))

    def _error_of_product(self) -> Array:
        """Bounds the error of S = Σw·P(g), also as Σw·g - m·mean(w)·mean(g) - m·c_w·c_g."""
        g, w, stats, m, u_e = self._g, self._w, self.solution.batch_values, self.rounding.m, self.rounding.u_e
        return (
            self._error_of_sum(w.rows * g.rows)
            + self._error_of_sum(w.rows * g.exact.projection)
            + w.mean * g.error_of_sum + g.mean * w.error_of_sum + w.error_of_sum * g.error_of_sum / m
            + 3 * m * (w.c * g.error_of_c + g.c * w.error_of_c + g.error_of_c * w.error_of_c)
            + g.c * (self._error_of_sum(w.rows * stats.h) + totals(np.abs(w.rows) * self.batch.h))
            + w.c * self._error_of_sum(g.rows * stats.h)
            + 10 * u_e * (totals(np.abs(w.rows) * g.terms) + 3 * m * w.c * g.c)
            + 8 * m * self.rounding.t0 * (1 + stats.r)
        )  # fmt: skip

    def _error_of_inner(self) -> Array:
        """Bounds the error of h·S/m + c_w·P(g) + c_g·P(w), elementwise, also where autodiff centres it once more."""
        g, w, stats, m, u_e = self._g, self._w, self.solution.batch_values, self.rounding.m, self.rounding.u_e
        h, errors, both = np.abs(stats.h), self.batch, self._w.c * self._g.c
        of_product = self._error_of_product() / m
        product = np.abs(self.solution.second.product) / m
        again = w.rows * g.exact.component + g.rows * w.exact.component
        # Σh, whose exact value is 0, stands in every mean that is taken once more.
        residue = error_terms.rounding_of_h(self.sums, stats) / m
        return (
            h * of_product + errors.h * (product + of_product)
            + w.c * g.error + w.error_of_c * (g.size + g.error)
            + g.c * w.error + g.error_of_c * (w.size + w.error)
            + 8 * u_e * (h * (product + 3 * both) + w.c * g.terms + g.c * w.terms)
            + self._error_of_sum(again) / m
            + h * (self._error_of_sum(again * stats.h) / m + 2 * both * (2 * errors.root + 8 * u_e))
            + 2 * both * (errors.h + h * residue + totals(errors.h) / m)
            + product * (4 * u_e * h + residue + totals(errors.h) / m)
        )  # fmt: skip

    def _overflow(self, to: Direction) -> Mask:
        """Returns where a tangent along `to`, or a gradient of it, may overflow on its way."""
        stats, errors = self._standardization()
        largest = overflow.largest_computed(stats, errors)
        sizes = overflow.cotangent_sizes(to.x, self.solution.x, stats)
        products = np.abs(to.gamma) * np.maximum(peaks(largest.h), largest.r * (self.sizes.x_peak + np.abs(stats.mean)))
        blocked = ~(products + np.abs(to.beta) <= self.types.elementwise.largest / overflow.HEADROOM)
        if not self.training:
            return blocked | overflow.inference_gradient_overflow(self.types, self.sizes, largest, sizes)
        gradient = overflow.training_gradient_overflow(self.types, self.sizes, largest, sizes, self.rounding.m)
        return blocked | self.training_overflow | gradient

    def _second_overflow(self) -> Mask:
        """Returns where nothing is claimed of second gradients: they may overflow, or the variance may be clamped."""
        of, g, (stats, errors) = self.solution.along("cotangents"), self.solution.need("g"), self._standardization()
        blocked = self._overflow(of) | self._overflow(Direction(g, of.gamma, of.beta))
        r, gamma = stats.r * (1 + errors.root), np.maximum(self.sizes.gamma, 1.0)
        products = totals(np.abs(of.x * g)) + self.rounding.m * np.abs(of.gamma) + 1
        products = products * np.maximum(r, 1.0) ** 3 * gamma * np.maximum(peaks(np.abs(stats.d)), 1.0)
        if self.training:
            products = products + self.rounding.m * self._w.c * self._g.c * np.maximum(r, 1.0) ** 3 * gamma
            # Known code multiplies the sums over the batch before it divides by m.
            w_d, g_d = totals(np.abs(of.x * stats.d)), totals(np.abs(g * stats.d))
            products = np.maximum(products, totals(np.abs(of.x)) * totals(np.abs(g)) + w_d * g_d * np.maximum(r * r, 1))
        blocked |= ~(products <= self.types.elementwise.largest / overflow.HEADROOM)
        return blocked | (errors.variance >= stats.variance) if self.one_pass and self.training else blocked
