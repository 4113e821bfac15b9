"""The error terms of gradients through statistics: the batch's where it is returned, the running ones in inference.

Rules: those of `first_order`. g is the cotangent of y. Cotangents of the batch's mean and variance
add a + b·d to dx, with a = dmean/m and b = 2·dvar/m.
"""

from __future__ import annotations

from functools import cached_property

import numpy as np

import bnconform.oracle.bounds.overflow as overflow
from bnconform.oracle.bounds.first_order import Allowance, ChannelErrors
from bnconform.oracle.bounds.overflow import HEADROOM
from bnconform.oracle.bounds.rounding import error_of_sum, moments
from bnconform.oracle.reference.reductions import Array, Mask, totals


class StatisticsErrors(ChannelErrors):
    """Bounds on gradients through the statistics of one Case, channel by channel."""

    def dx(self) -> Allowance:
        """Bounds dx + a + b·d: the bound of dx, and that of the rest as an output that it is added to."""
        through_y, scale, u = super().dx()
        own, u_e, t0 = self.solution, self.rounding.u_e, self.rounding.t0
        a, b, stats = self._a, self._b, own.batch_values
        d, reach = np.abs(stats.d), self.magnitude + np.abs(stats.mean)
        terms = a + b * (reach if self.one_pass else d)
        error = (
            b * (self._error_of_d() + self._error_of_mean_d())
            # 10: dvar and dmean in the arithmetic's type, 2/m, two products, the sums of the statistics' cotangents
            # with what y sends to them, and the sum of the three parts; 4: those sums, in units of y's own parts.
            + 10 * u_e * terms + 4 * u_e * scale
            + t0 * (4 * (1 + b) + 2 * reach)
        )  # fmt: skip
        if self.one_pass:  # what y sends to the variance meets 2x and 2·mean, uncentred, in the same sums
            c = np.abs(own.gradients.component)
            error = error + 4 * u_e * self.sizes.gamma * stats.r**2 * c * reach
        if self.rounded_branches:
            error = error + 2 * self.types.output.u * terms
        rest = self._elementwise(error, own.dx, terms, self._batch_overflow())
        return through_y + rest[0], scale + rest[1], u

    def drunning_mean(self) -> Allowance:
        """Bounds -γ·r·Σg: a sum of products with a factor that they share, or the product of a sum."""
        g, stats, root, value = self.g_moments, self.solution.population_values, self.population.root, self._running[0]
        u_e, t0, scaled = self.rounding.u_e, self.rounding.t0, self.sizes.gamma * stats.r
        error = (
            scaled * (1 + root) * (error_of_sum(self.cotangent.rounding, g) + 4 * u_e * g.absolute)
            + np.abs(value) * (root + 6 * u_e)
            + t0 * (2 * self.rounding.m * (1 + scaled) + (1 + stats.r) * g.absolute)
        )
        return self._parameter(error, value, scaled * g.absolute, self._running_overflow())

    def drunning_var(self) -> Allowance:
        """Bounds -½γ·r²·Σg·h: the bound of Σg·h, and six roundings of each product where γ and r³ are in the sum."""
        own, stats, root, value = self.solution, self.solution.population_values, self.population.root, self._running[1]
        u_e, t0, m, squared = self.rounding.u_e, self.rounding.t0, self.rounding.m, self.sizes.gamma * stats.r**2 / 2
        terms, grown = totals(np.abs(own.need("g") * stats.h)), (1 + root) ** 2
        error = (
            squared * grown * (self.cotangent.error_of_dgamma + 6 * u_e * terms)
            + np.abs(value) * (grown - 1 + 8 * u_e)
            + t0 * 2 * m * (1 + self.sizes.gamma) * (1 + stats.r) ** 3
        )
        return self._parameter(error, value, squared * terms, self._running_overflow())

    @property
    def _running(self) -> tuple[Array, Array]:
        return self.solution.running_gradients

    @cached_property
    def _a(self) -> Array:
        dmean = self.solution.dmean
        return np.zeros(self.solution.channels) if dmean is None else np.abs(dmean) / self.rounding.m

    @cached_property
    def _b(self) -> Array:
        dvar = self.solution.dvar
        return np.zeros(self.solution.channels) if dvar is None else 2 * np.abs(dvar) / self.rounding.m

    def _error_of_d(self) -> Array:
        """Bounds the error of x - mean, also where it is formed of products with x and with the mean."""
        stats, u_e = self.solution.batch_values, self.rounding.u_e
        uncentred = 4 * u_e * np.abs(stats.mean) if self.one_pass else 0.0
        return self.batch.mean + 2 * u_e * np.abs(stats.d) + uncentred + 4 * self.rounding.t0

    def _error_of_mean_d(self) -> Array:
        """Bounds the mean of the computed x - mean, which is 0 but for rounding; autodiff may subtract it once more."""
        of_sum = error_of_sum(self.cotangent.rounding, moments(self.solution.batch_values.d))
        return (of_sum + totals(self._error_of_d())) / self.rounding.m

    def _batch_overflow(self) -> Mask:
        """Returns where nothing is claimed: on the way the range may be left, or the variance may be clamped."""
        m, reach = self.rounding.m, self.sizes.x_peak + np.abs(self.solution.batch_values.mean)
        limit = min(self.types.elementwise.largest, self.types.cotangents.largest) / HEADROOM
        blocked = ~(m * (self._a + self._b * np.maximum(reach, 1.0)) <= limit)
        return blocked | (self.batch.variance >= self.solution.batch_values.variance) if self.one_pass else blocked

    def _running_overflow(self) -> Mask:
        """Returns where nothing is claimed: a power of r that the gradients are formed of may leave the range."""
        largest = overflow.largest_computed(*self._standardization())
        r, gamma, g = largest.r, self.sizes.gamma, self.cotangent.sizes
        products = np.maximum(gamma, 1.0) * np.maximum(r, 1.0) ** 3 * (g.offset_sum + g.total)
        limit = min(self.types.elementwise.largest, self.types.cotangents.largest) / HEADROOM
        flushed = np.minimum(r, r**3) * np.minimum(gamma, 1.0) < 4 * self.rounding.t0
        blocked: Mask = self.cotangent.blocked | flushed | ~(products <= limit)
        return blocked
