"""The error terms of one Case in one declared arithmetic, put together into an allowance for each output.

Rules: matrices are (m, C) and nothing here knows of layouts; each output's method states its whole bound, from terms
that are computed once; it holds no Case alive.
"""

from __future__ import annotations

from functools import cached_property
from typing import TypeAlias

import numpy as np

import bnconform.oracle.bounds.error_terms as error_terms
import bnconform.oracle.bounds.narrowing as narrowing
import bnconform.oracle.bounds.overflow as overflow
from bnconform.contract.case import Case
from bnconform.contract.dialect import Dialect
from bnconform.oracle.bounds.error_terms import StatisticErrors
from bnconform.oracle.bounds.formats import Arithmetic, effective_for
from bnconform.oracle.bounds.overflow import Cotangent, CotangentSizes, Sizes
from bnconform.oracle.bounds.rounding import (
    Moments,
    backward_rounding,
    error_of_sum,
    forward_rounding,
    moments,
    rounding_of_output,
)
from bnconform.oracle.reference.equations import Standardization
from bnconform.oracle.reference.quantities import solution
from bnconform.oracle.reference.reductions import Array, Mask, peaks, totals

Allowance: TypeAlias = tuple[Array, Array, float]
"""(allowance, scale, unit roundoff of the output): the fields of a Bound, by rows."""

SECOND_ORDER = 1.0 + 1e-6
"""Covers products of roundings in the bound's formulas, and the rounding of the bound itself."""
SMALL_OUTPUTS = 2.0**12
"""How many of the smallest numbers of its type an output that should be 0 is compared with."""


class ChannelErrors:
    """Bounds on the outputs of one Case, channel by channel."""

    def __init__(self, case: Case, dialect: Dialect) -> None:
        self.solution = solution(case)
        self.training = case.mode == "train"
        self.types = effective_for(case, dialect)
        self.one_pass = dialect.variance == "one-pass"
        self.nonnegative = not self.one_pass or dialect.clamps_variance
        self.uncentred = dialect.backward == "uncentred"
        self.rounded_branches = dialect.rounded_branches and self.types.output.bits == 16
        self.rounding = forward_rounding(self.solution.m, self.types, case.shuffled)
        self.parameters = narrowing.of_parameters(case, self.types)
        self.averages = narrowing.of_averages(case, self.types)

    @cached_property
    def magnitude(self) -> Array:
        """|x|."""
        return np.abs(self.solution.x)

    @cached_property
    def sizes(self) -> Sizes:
        """Magnitudes of gamma, as it is read, and of x."""
        total = totals(self.magnitude)
        peak = peaks(self.magnitude)
        batch = self.solution.batch_values
        square = self.rounding.m * (batch.variance + batch.mean**2)
        return Sizes(np.abs(self.solution.gamma) + self.error_of_gamma, total, peak, square)

    @cached_property
    def error_of_gamma(self) -> Array:
        """The rounding of gamma when it is read; zero where it is not wider than the arithmetic."""
        return self.parameters.of(self.solution.gamma)

    @cached_property
    def batch(self) -> StatisticErrors:
        """Errors of standardizing by the batch."""
        stats, rounding = self.solution.batch_values, self.rounding
        x = Moments(stats.mean * rounding.m, self.sizes.x_sum, stats.spread)
        mean = error_terms.error_of_mean(rounding, x)
        squares = moments(stats.d * stats.d)
        variance = error_terms.error_of_variance(rounding, stats, squares, mean, self.one_pass)
        root = error_terms.error_of_root(rounding, stats, self.solution.eps, variance, self.nonnegative)
        return StatisticErrors(mean, variance, root, error_terms.error_of_h(rounding, stats, mean, root))

    @cached_property
    def population(self) -> StatisticErrors:
        """Errors of standardizing by the running statistics, exact inputs where the arithmetic holds them."""
        stats = self.solution.population_values
        mean, variance = self.parameters.of(stats.mean), self.parameters.of(stats.variance)
        root = error_terms.error_of_root(self.rounding, stats, self.solution.eps, variance, nonnegative=False)
        return StatisticErrors(mean, variance, root, error_terms.error_of_h(self.rounding, stats, mean, root))

    @cached_property
    def g_moments(self) -> Moments:
        """The moments of the cotangent."""
        return moments(self.solution.need("g"))

    @cached_property
    def cotangent(self) -> Cotangent:
        """The terms that the bounds of dx and dγ share, for the Case's mode."""
        own, g = self.solution, self.solution.need("g")
        stats, errors = self._standardization()
        rounding = backward_rounding(self.rounding, self.types.cotangents)
        uncentred = own.x if self.uncentred or (self.one_pass and self.training) else None
        dgamma = error_terms.error_of_component(
            rounding, stats, errors, g, self.g_moments, own.gradients.component, uncentred
        )
        sizes = overflow.cotangent_sizes(g, own.x, stats)
        return Cotangent(rounding, dgamma, sizes, self._gradient_overflow(sizes))

    @cached_property
    def largest_of_batch(self) -> Standardization[Array]:
        """The largest values that standardizing by the batch may compute."""
        return overflow.largest_computed(self.solution.batch_values, self.batch)

    @cached_property
    def training_overflow(self) -> Mask:
        """Where y of a training step may overflow on its way."""
        return overflow.training_overflow(self.types, self.sizes, self.largest_of_batch)

    @cached_property
    def statistics_overflow(self) -> Mask:
        """Where the mean or the variance of the batch may overflow on its way."""
        return overflow.statistics_overflow(self.types, self.sizes, self.solution.batch_values, self.one_pass)

    def y(self) -> Allowance:
        """Bounds y in the Case's mode."""
        return self.trained() if self.training else self.inferred()

    def trained(self) -> Allowance:
        """Bounds y of a training step."""
        return self._normalized(self.solution.batch_values, self.batch, self.solution.trained, self.training_overflow)

    def inferred(self) -> Allowance:
        """Bounds y of inference."""
        stats, errors = self.solution.population_values, self.population
        largest = overflow.largest_computed(stats, errors)
        blocked = overflow.inference_overflow(self.types, self.sizes, largest) | self._unreadable
        return self._normalized(stats, errors, self.solution.inferred, blocked)

    def dx(self) -> Allowance:
        """Bounds the gradient of x."""
        own, u_e, t0 = self.solution, self.rounding.u_e, self.rounding.t0
        stats, errors = self._standardization()
        g, gradients, gamma = np.abs(own.need("g")), own.gradients, self.sizes.gamma
        scaled = gamma * stats.r
        relative = errors.root + 4 * u_e
        flushed = g + ((4 if self.training else 2) + gamma + stats.r * (1 + gamma))
        if self.training:
            projection = np.abs(gradients.projection)
            error = scaled * (1 + errors.root) * self._error_of_projection() + (scaled * relative) * projection
            flushed = flushed + projection + 4 * (self.magnitude + np.abs(stats.mean))
            scale = scaled * error_terms.terms_of_projection(stats, g, gradients)
        else:
            scale = scaled * g
            error = scale * relative
        error = error + self.error_of_gamma * stats.r * np.abs(gradients.projection)
        return self._elementwise(error + t0 * flushed, gradients.dx, scale, self.cotangent.blocked)

    def dgamma(self) -> Allowance:
        """Bounds the gradient of gamma."""
        own, shared = self.solution, self.cotangent
        scale = totals(np.abs(own.need("g") * self._standardization()[0].h))
        return self._parameter(shared.error_of_dgamma, own.gradients.dgamma, scale, shared.blocked)

    def dbeta(self) -> Allowance:
        """Bounds the gradient of beta."""
        shared, g = self.cotangent, self.g_moments
        error = error_of_sum(shared.rounding, g) + 2 * self.rounding.m * self.rounding.t0
        blocked = overflow.cotangent_overflow(self.types, shared.sizes)
        return self._parameter(error, self.solution.gradients.dbeta, g.absolute, blocked)

    def running_mean(self) -> Allowance:
        """Bounds the running mean after a training step."""
        own, weight = self.solution, self.solution.momentum
        error = weight * self.batch.mean + self._error_of_average(own.need("running_mean"), own.batch_values.mean)
        scale = np.abs((1 - weight) * own.need("running_mean")) + weight * self.sizes.x_sum / own.m
        return self._statistic(error, own.next_mean, scale)

    def running_var(self, correction: int) -> Allowance:
        """Bounds the running variance after a training step."""
        own, weight = self.solution, self.solution.momentum
        if own.m == correction:
            nothing = np.zeros(own.channels)
            return nothing + np.inf, nothing, self.types.running.u
        factor = own.m / (own.m - correction)
        old, new = own.need("running_var"), own.batch_values.variance * factor
        # 3u: m, its quotient with m - 1, and the product.
        error = weight * (factor * self.batch.variance + 3 * self.rounding.u * new) + self._error_of_average(old, new)
        return self._statistic(error, own.next_variance(correction), (1 - weight) * old + weight * new)

    def batch_mean(self) -> Allowance:
        """Bounds the mean of the batch."""
        return self._statistic(self.batch.mean, self.solution.batch_values.mean, self.sizes.x_sum / self.solution.m)

    def batch_var(self) -> Allowance:
        """Bounds the biased variance of the batch."""
        variance = self.solution.batch_values.variance
        return self._statistic(self.batch.variance, variance, variance)

    def _error_of_average(self, old: Array, new: Array) -> Array:
        u, weight = max(self.rounding.u, self.types.running.u), self.solution.momentum
        error = error_terms.error_of_average(u, weight, old, new) + (1 - weight) * self.averages.of(old)
        return np.where(self.averages.overflows(old), np.inf, error)

    @cached_property
    def _unreadable(self) -> Mask:
        """Where the arithmetic may not hold a running statistic at all."""
        stats = self.solution.population_values
        return self.parameters.overflows(stats.mean, stats.variance + self.solution.eps)

    def _standardization(self) -> tuple[Standardization[Array], StatisticErrors]:
        own = self.solution
        return (own.batch_values, self.batch) if self.training else (own.population_values, self.population)

    def _normalized(self, stats: Standardization[Array], errors: StatisticErrors, y: Array, blocked: Mask) -> Allowance:
        u_e, t0, gamma, beta = self.rounding.u_e, self.rounding.t0, self.sizes.gamma, np.abs(self.solution.beta)
        of_beta = self.parameters.of(beta)
        h = np.abs(stats.h)
        root = stats.r * (1 + errors.root)
        flushed = self.magnitude + (np.abs(stats.mean) + 4 + gamma * (1 + 2 * root) + root)  # the last: of (γ·d)·r
        error = (
            (gamma * (1 + 4 * u_e)) * errors.h
            + (3 * u_e * gamma) * h  # the product γ·h, also as (γ·r)·d or (γ·d)·r
            + (u_e * np.abs(y) + 3 * u_e * beta)  # the sum with β, also as x·a + (β - mean·a)
            + (self.error_of_gamma * h + (1 + 4 * u_e) * of_beta)
            + t0 * flushed
        )
        return self._elementwise(error, y, gamma * np.maximum(h, 1.0) + beta, blocked)

    def _error_of_projection(self) -> Array:
        """Bounds the error of P(g) in training, elementwise."""
        own, shared, stats, errors = self.solution, self.cotangent, self.solution.batch_values, self.batch
        g, gradients, rounding = own.need("g"), own.gradients, shared.rounding
        error = error_terms.error_of_projection(
            rounding, stats, errors, g, self.g_moments, gradients, shared.error_of_dgamma
        )
        if self.one_pass:
            error = error + error_terms.error_of_one_pass_projection(
                rounding, stats, errors, own.x, gradients.component
            )
        if self.rounded_branches:
            error = error + 2 * self.types.output.u * error_terms.terms_of_projection(stats, g, gradients)
        return error + error_terms.vanishing_branch(rounding, stats, own.gamma, gradients.component)

    def _gradient_overflow(self, g: CotangentSizes) -> Mask:
        types, sizes = self.types, self.sizes
        if not self.training:
            largest = overflow.largest_computed(*self._standardization())
            return overflow.inference_gradient_overflow(types, sizes, largest, g) | self._unreadable
        largest = self.largest_of_batch
        blocked = self.training_overflow | overflow.training_gradient_overflow(
            types, sizes, largest, g, self.rounding.m
        )
        if not self.rounded_branches:
            return blocked
        uncentred = self.one_pass or self.uncentred
        return blocked | overflow.branch_overflow(types, sizes, largest, g, self.solution.gradients, uncentred)

    def _statistic(self, error: Array, value: Array, scale: Array) -> Allowance:
        smallest = 4 * self.rounding.t0 + self.types.running.kept
        return self._judged(error, value, scale, self.types.running, self.statistics_overflow, smallest)

    def _elementwise(self, error: Array, value: Array, scale: Array, blocked: Mask) -> Allowance:
        """Judges y or dx."""
        return self._judged(error, value, scale, self.types.output, blocked, self.types.output.kept)

    def _parameter(self, error: Array, value: Array, scale: Array, blocked: Mask) -> Allowance:
        """Judges the gradient of a parameter."""
        return self._judged(error, value, scale, self.types.params, blocked, self.types.params.kept)

    def _judged(
        self, error: Array, value: Array, scale: Array, output: Arithmetic, blocked: Mask, smallest: float
    ) -> Allowance:
        """Adds the rounding of the output itself, and takes the claim back where something may overflow."""
        magnitude = np.abs(value)
        allowance = (error + rounding_of_output(output.u, magnitude, error)) * SECOND_ORDER + smallest
        fits = (allowance + magnitude <= overflow.OUTPUT_SHARE * output.largest) & ~blocked
        return np.where(fits, allowance, np.inf), scale + SMALL_OUTPUTS * smallest, output.u
