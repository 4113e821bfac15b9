"""What the outputs of a large case should be, on its distinct rows, and their bounds.

Rules: a row of which x and dy are both zero adds nothing to any sum, and adding an exact zero rounds nothing, so a sum
is as exact as one over the other rows, in whatever order, blocks and threads it is formed; in training x sums to
exactly 0 in each channel. What is wrong where the mean is not found to be exactly 0, as by updates of a running mean,
has terms of its own.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np

import bnconform.oracle.bounds.error_terms as error_terms
import bnconform.oracle.reference.equations as equations
from bnconform.contract.case import Case
from bnconform.contract.dialect import Dialect
from bnconform.contract.memo import once
from bnconform.oracle.bounds import Bound
from bnconform.oracle.bounds.error_terms import StatisticErrors
from bnconform.oracle.bounds.first_order import Allowance, ChannelErrors
from bnconform.oracle.bounds.overflow import HEADROOM
from bnconform.oracle.bounds.rounding import Rounding, moments
from bnconform.oracle.distinct.rows import Distinct, distinct
from bnconform.oracle.expected import correction, expected
from bnconform.oracle.reference.equations import Gradients, Number, Standardization
from bnconform.oracle.reference.quantities import Solution
from bnconform.oracle.reference.reductions import Array, peaks, totals

SUMMED = ("running_mean", "running_var", "dgamma", "dbeta")
"""Outputs with one value for each channel."""


def expected_by_rows(case: Case, dialect: Dialect, name: str) -> tuple[Array, Bound]:
    """Returns what an output should be on the distinct rows, of shape (n, K) or (C,), and its bound.

    Raises ValueError where x does not sum to exactly 0 in training.
    """
    of = distinct(case)
    with np.errstate(all="ignore"):
        # In inference outputs are elementwise, and sums of what is zero in all other rows.
        value, within = expected(of.rows, dialect, name) if case.mode == "infer" else _trained(case, dialect, name)
    if name in SUMMED and len(value) < case.channels:
        return value[of.kind], Bound(within.allowance[of.kind], within.scale[of.kind], within.u)
    return value, within


def _trained(case: Case, dialect: Dialect, name: str) -> tuple[Array, Bound]:
    errors = _errors_of(case, dialect)
    solution = errors.solution
    if name == "running_var":
        less = correction(dialect)
        return solution.next_variance(less), Bound(*errors.running_var(less))
    value: Array = getattr(solution, _TRAINED[name]) if name in _TRAINED else getattr(solution.gradients, name)
    bounded: Allowance = getattr(errors, name)()
    return value, Bound(*bounded)


_TRAINED = {"y": "trained", "running_mean": "next_mean"}
"""Attributes of a Solution that are outputs of a training step."""


class DistinctSolution(Solution):
    """The quantities of a whole case in training, on its distinct rows; `sums` is Σ|x| of each channel."""

    def __init__(self, of: Distinct) -> None:
        super().__init__(of.rows)
        self.m = of.m
        self.sums = totals(np.abs(self.x))
        if np.any(totals(self.x)):
            raise ValueError("x does not sum to 0 in each channel; expected pairs of opposite values")

    @cached_property
    def batch(self) -> Standardization[Number]:
        """x standardized by its own statistics; the sum of its squares is exact."""
        squares = self._lift(totals(self.x * self.x))
        nothing = self._lift(np.zeros(self.channels))
        return equations.standardize_by_population(self._lift(self.x), nothing, squares / float(self.m),
                                                   self._lift(self.eps))  # fmt: skip

    def _through(self, t: Array) -> Gradients[Number]:
        return equations.training_gradients(self._lift(t), self.gamma, self.batch, self.m)


@dataclass(frozen=True, slots=True)
class FewTerms(Rounding):
    """The arithmetic of sums over m rows of which all but `terms` are exactly zero."""

    terms: int = 0

    def gamma(self, n: int) -> float:
        """Returns γ of the roundings that there can be: those of additions of two numbers that are not zero."""
        nu = min(n, self.terms + 8) * self.u
        return nu / (1.0 - nu) if nu < 0.5 else np.inf


class DistinctErrors(ChannelErrors):
    """Bounds on the outputs of a whole case in training, on its distinct rows."""

    solution: DistinctSolution

    def __init__(self, of: Distinct, dialect: Dialect) -> None:
        super().__init__(of.rows, dialect)
        self.solution = DistinctSolution(of)
        few, terms = self.rounding, len(of.at)
        self.rounding = FewTerms(of.m, few.u, few.u_e, few.u_s, few.t_s, few.t0, few.excess, False, terms)
        self._others = of.others

    @cached_property
    def batch(self) -> StatisticErrors:
        """Errors of standardizing by the batch."""
        stats, rounding = self.solution.batch_values, self.rounding
        mean = self._error_of_mean()
        variance = self._error_of_variance(mean)
        root = error_terms.error_of_root(rounding, stats, self.solution.eps, variance, self.nonnegative)
        return StatisticErrors(mean, variance, root, error_terms.error_of_h(rounding, stats, mean, root))

    def _error_of_mean(self) -> Array:
        """Bounds the computed mean, which should be 0.

        As a sum it is wrong by the roundings of few terms. An update mean + (x - mean)/i, whose result is at most S/i
        with S = Σ|x|, rounds by at most u·(S + 3|x| + 3S/i)/i, of which i/m is left in the end: over all rows
        u·S·(1 + (6 + 3 ln m)/m). Means of blocks, merged in a tree, round the same quantities again, 7uS/m for each of
        its ln m levels. No claim is made where the arithmetic of the sums cannot hold what they may be of.
        """
        rounding, largest = self.rounding, self.types.accumulate.largest / HEADROOM
        # The count itself, and sums of what is beyond a value of the data, which is then in every row.
        peak = 1.0 + 2 * peaks(np.abs(self.solution.x))
        overflows = rounding.m * peak * peak > largest
        share = 1 + 16 * (1 + math.log(rounding.m)) / rounding.m
        updates = (share * rounding.u + rounding.gamma(rounding.m + 8) / rounding.m) * self.solution.sums
        error = updates + rounding.stored(updates) + max(4.0, rounding.m / 2 + 1) * rounding.t0
        return np.where(overflows, np.inf, error)

    def _error_of_variance(self, error_of_mean: Array) -> Array:
        """Bounds the error of the computed variance.

        Updates of a running mean add up to S²/i² in row i, though x is zero there. Adding a term rounds by at most
        u·Σx², and by at most the term; the smaller of both sums to 2S√(u·Σx²) over all rows, and to mu·Σx² at most.
        About a value of the data instead of the mean, what cancels in the end is of the size of its square.
        """
        rounding, variance = self.rounding, self.solution.batch_values.variance
        m, squares = rounding.m, moments(self.solution.x * self.solution.x)
        sums = rounding.gamma(m + 8) * squares.absolute
        updates = 3 * self.solution.sums * np.sqrt(rounding.u * squares.absolute)
        cancelled = 4 * rounding.u * m * peaks(np.abs(self.solution.x)) ** 2
        worst = Rounding.gamma(rounding, m + 8) * squares.absolute  # of whatever is summed in whatever order
        error = np.minimum(sums + updates + cancelled, sums + worst) / m
        error = error + 4 * error_of_mean * error_of_mean + 4 * rounding.u_e * variance
        error = error + rounding.stored(variance) + 4 * rounding.t0 * (1.0 + self.solution.batch_values.spread)
        return np.asarray(error)

    def _error_of_projection(self) -> Array:
        """Bounds the error of P(g), also where the sum of h over the rows that are zero is taken for 0."""
        residue = 2 * self._others * self.batch.h[-1] / self.rounding.m
        more: Array = np.abs(self.solution.gradients.component) * residue
        return super()._error_of_projection() + more


@once
def _errors_of(case: Case, dialect: Dialect) -> DistinctErrors:
    """Returns the error terms that the bounds of all outputs share."""
    return DistinctErrors(distinct(case), dialect)
