"""The error terms of the third derivative, put together into its allowance.

Rules: those of `second_order`. z is the cotangent of the gradient in x that the cotangent w of dx
gives; for two directions a, b of g, w, z, Q(a, b) = mean(a·P(b)) is symmetric, and

    I = 2h·T - Σ P(z)·B(w, g),   T = Σ c_z·Q(w, g),   B(w, g) = Q(w, g) - 2c_w·c_g,   both sums over the three cycles,

is the factor beside γ·r³. An implementation gets there by differentiating its own steps: it forms the summands of I, of
the sums in Q and of P in another order, and centres and projects some of them once more. So each summand is charged as
many roundings as `ROUNDINGS` says, by its magnitude and not by the remainder where summands cancel, and the error of a
projection of all of them is added.
"""

from __future__ import annotations

from functools import cached_property
from typing import NamedTuple

import numpy as np

import bnconform.oracle.bounds.error_terms as error_terms
from bnconform.oracle.bounds.first_order import Allowance
from bnconform.oracle.bounds.overflow import HEADROOM
from bnconform.oracle.bounds.second_order import Projection, SecondOrderErrors
from bnconform.oracle.reference.reductions import Array, Mask, peaks, totals

ROUNDINGS = 16
"""Four products with means and powers of r in each summand, each rounded, thrice differentiated, and their sums."""


class Pair(NamedTuple):
    """Q(a, b) and B(a, b) of two directions, of shape (C,): magnitudes and errors; `terms`, the summands of B."""

    q: Array
    b: Array
    error_of_q: Array
    error_of_b: Array
    terms: Array


class ThirdOrderErrors(SecondOrderErrors):
    """Bounds on the third derivative of one Case, channel by channel."""

    def third_x(self) -> Allowance:
        """Bounds the gradient in x of the gradient in x of the weighted gradient of x."""
        own, (stats, errors), u_e, t0 = self.solution, self._standardization(), self.rounding.u_e, self.rounding.t0
        cubed, grown = self.sizes.gamma * stats.r**3, (1 + errors.root) ** 3
        terms = self._terms(np.abs(stats.h))
        error = cubed * grown * self._projected(self._error_of_inner_third()) + cubed * terms * (grown - 1 + 8 * u_e)
        lost = t0 * (4 * (1 + self.sizes.gamma) * (1 + stats.r) ** 3 + np.abs(own.need("g")))
        return self._elementwise(error + lost, own.third_x, cubed * terms, self._third_overflow())

    @cached_property
    def _directions(self) -> tuple[Projection, Projection, Projection]:
        through = self.solution.third_directions
        return self._g, self._w, self._projection(through.rows, through.gradients)

    @cached_property
    def _pairs(self) -> tuple[Pair, Pair, Pair]:
        """The pairs of directions that stand beside z, w and g."""
        g, w, z = self._directions
        return self._pair(w, g), self._pair(g, z), self._pair(w, z)

    @property
    def _cycles(self) -> list[tuple[Projection, Pair]]:
        g, w, z = self._directions
        return list(zip((z, w, g), self._pairs, strict=True))

    def _pair(self, a: Projection, b: Projection) -> Pair:
        m, u_e, both = self.rounding.m, self.rounding.u_e, a.c * b.c
        q = totals(a.rows * b.exact.projection) / m
        left = q - 2 * a.exact.component * b.exact.component
        error = (self._error_of_pair(a, b) + self._error_of_pair(b, a)) / m
        of_both = a.c * b.error_of_c + b.c * a.error_of_c + a.error_of_c * b.error_of_c
        terms = totals(np.abs(a.rows * b.rows)) / m + a.mean * b.mean + 3 * both
        return Pair(np.abs(q), np.abs(left), error, error + 2 * of_both + 4 * u_e * terms, terms)

    def _error_of_pair(self, w: Projection, g: Projection) -> Array:
        """Bounds the error of Σw·P(g), as `SecondOrderErrors` does, also as ΣP(w)·P(g) and with what that leaves."""
        stats, m, u_e = self.solution.batch_values, self.rounding.m, self.rounding.u_e
        return (
            self._error_of_sum(w.rows * g.rows)
            + self._error_of_sum(w.rows * g.exact.projection)
            + self._error_of_sum(w.exact.projection * g.exact.projection)
            + w.mean * g.error_of_sum + g.mean * w.error_of_sum + w.error_of_sum * g.error_of_sum / m
            + 3 * m * (w.c * g.error_of_c + g.c * w.error_of_c + g.error_of_c * w.error_of_c)
            + g.c * (self._error_of_sum(w.rows * stats.h) + totals(np.abs(w.rows) * self.batch.h))
            + w.c * self._error_of_sum(g.rows * stats.h)
            + 10 * u_e * (totals(np.abs(w.rows) * g.terms) + 3 * m * w.c * g.c)
            + 8 * m * self.rounding.t0 * (1 + stats.r)
        )  # fmt: skip

    def _terms(self, h: Array) -> Array:
        """Returns the summands of I, with this magnitude in place of |h|."""
        total = sum(one.c * pair.terms for one, pair in self._cycles)
        return 2 * h * total + sum(one.terms * pair.terms for one, pair in self._cycles)

    def _error_of_inner_third(self) -> Array:
        """Bounds the error of I in closed form, elementwise, with the roundings of its summands."""
        stats, h = self.solution.batch_values, np.abs(self.solution.batch_values.h)
        spread = sum(one.c * pair.q for one, pair in self._cycles)
        of_spread = sum(
            one.c * pair.error_of_q + one.error_of_c * (pair.q + pair.error_of_q) for one, pair in self._cycles
        )
        of_parts = sum(
            one.error * (pair.b + pair.error_of_b) + one.size * pair.error_of_b for one, pair in self._cycles
        )
        # One pass: 2x and 2·mean stand where two passes have 2d.
        reach = stats.r * (self.magnitude + np.abs(stats.mean)) if self.one_pass else h
        rounded = ROUNDINGS * self.rounding.u_e * self._terms(np.maximum(reach, h))
        return 2 * h * of_spread + 2 * self.batch.h * (spread + of_spread) + of_parts + rounded

    def _projected(self, error: Array) -> Array:
        """Bounds the error of what is within `error` of summands of I, centred and projected once more."""
        stats, m, h = self.solution.batch_values, self.rounding.m, np.abs(self.solution.batch_values.h)
        terms, of_h = self._terms(h), self.batch.h
        along = totals(terms * h) / m
        of_mean = (totals(error) + self.sums.gamma(m + 8) * totals(terms)) / m
        of_along = (totals(error * h + terms * of_h) + self.sums.gamma(m + 8) * totals(terms * h)) / m
        residue = (error_terms.rounding_of_h(self.sums, stats) + totals(of_h)) / m
        return error + of_mean + h * of_along + of_h * (along + of_along) + along * residue

    def _third_overflow(self) -> Mask:
        """Returns where nothing is claimed: as of second gradients, and where the products of three leave the range."""
        stats, errors = self._standardization()
        r, gamma = np.maximum(stats.r * (1 + errors.root), 1.0), np.maximum(self.sizes.gamma, 1.0)
        largest = [np.maximum(peaks(np.abs(one.rows)), 1.0) for one in self._directions]
        products = self.rounding.m * largest[0] * largest[1] * largest[2] * r**5 * gamma
        products = products * np.maximum(peaks(np.abs(stats.d)), 1.0) ** 2
        flushed = np.minimum(stats.r, 1.0) ** 5 * np.minimum(self.sizes.gamma, 1.0) < 4 * self.rounding.t0
        blocked: Mask = self._second_overflow() | flushed
        blocked |= ~(products <= self.types.elementwise.largest / HEADROOM)
        return blocked
