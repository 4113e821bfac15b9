"""The error terms of a layer that does the work of a normalization too: weight a·w, bias (b - E[x])·a + β, a = γ·r.

Rules: those of `first_order`; x is the layer's weight. The running statistics, w and b are exact inputs, so that all
error is that of r, of a handful of products and of sums of two terms; nothing is added up over the weight.
"""

from __future__ import annotations

from functools import cached_property

import numpy as np

from bnconform.oracle.bounds.first_order import Allowance, ChannelErrors
from bnconform.oracle.bounds.overflow import HEADROOM
from bnconform.oracle.reference.reductions import Array, Mask, peaks


class FoldingErrors(ChannelErrors):
    """Bounds on the weight and the bias of one Case's folded layer, output channel by output channel."""

    def folded_weight(self) -> Allowance:
        """Bounds a·w in any order of its products: γ·r·w, γ·(r·w), or w·γ divided by the root."""
        own, u_e, t0, root = self.solution, self.rounding.u_e, self.rounding.t0, self.population.root
        scale = self.magnitude * self._slope
        # 3u: the two products, and the quotient where the root divides.
        error = scale * (root + 3 * u_e * (1 + root))
        flushed = self.magnitude + self._reciprocal + 1  # each product may be flushed, and what is left multiplies it
        return self._elementwise(error + t0 * flushed, own.folded_weight, scale, self._overflow(peaks(self.magnitude)))

    def folded_bias(self) -> Allowance:
        """Bounds (b - E[x])·a + β, also as b·a + (β - E[x]·a), and with a product of γ of its own in each term."""
        own, u_e, t0, root = self.solution, self.rounding.u_e, self.rounding.t0, self.population.root
        b, mean, beta = np.abs(own.bias), np.abs(own.need("running_mean")), np.abs(own.beta)
        apart = self._slope * (b + mean)
        error = (
            self._slope * np.abs(own.bias - own.need("running_mean")) * (root + 3 * u_e * (1 + root))
            # What is common to both terms cancels as they do, and stands above. Of its own each term has the two
            # products that it is formed of, and the difference or the sum behind it.
            + 3 * u_e * (1 + root) * apart
            + 2 * u_e * beta
            + u_e * np.abs(own.folded_bias)
        )
        flushed = 2 * (b + mean) + 2 * self._reciprocal + 4
        blocked = self._overflow(b + mean)
        return self._parameter(error + t0 * flushed, own.folded_bias, apart + beta, blocked)

    @cached_property
    def _slope(self) -> Array:
        """|a|."""
        return self.sizes.gamma * self.solution.population_values.r

    @cached_property
    def _reciprocal(self) -> Array:
        """r, as large as it may be computed, and what multiplies it."""
        root = self.solution.population_values.r * (1 + self.population.root)
        return root * (1 + self.sizes.gamma)

    def _overflow(self, reach: Array) -> Mask:
        """Returns where nothing is claimed: v + ε, a product of γ, r and what they meet, or the result may overflow."""
        own, gamma = self.solution, self.sizes.gamma
        largest_r = own.population_values.r * (1 + self.population.root)
        most = np.maximum(gamma, 1.0) * np.maximum(largest_r, 1.0) * np.maximum(reach, 1.0)
        variance = np.abs(own.need("running_var")) + abs(own.eps)
        blocked: Mask = ~(np.maximum(most, variance) <= self.types.elementwise.largest / HEADROOM)
        return blocked
