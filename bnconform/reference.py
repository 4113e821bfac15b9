"""The reference: what each output of a Case should be, in float64 arrays.

Rules: it computes, a spec judges. Inputs of 32 bits or fewer are solved in float64 with a corrected mean, float64
inputs in double-double, so that the reference's own error is far below any bound. All functions share one solution per
Case, computed when first asked for and forgotten with the Case.
"""

from __future__ import annotations

from functools import cached_property
from weakref import WeakKeyDictionary

import numpy as np

from bnconform import equations
from bnconform.case import Case
from bnconform.columns import Array
from bnconform.doubledouble import DoubleDouble
from bnconform.equations import Gradients, Number, Standardization
from bnconform.layout import from_rows, to_rows


class Solution:
    """Every quantity of one Case on (m, C) matrices, in the arithmetic of the reference; it holds no Case alive."""

    def __init__(self, case: Case) -> None:
        self.extended = case.dtype == "float64"
        self.mode = case.mode
        self.x = _float64(to_rows(case.x, case.axis))
        self.m, self.channels = self.x.shape
        self.g = None if case.dy is None else _float64(to_rows(case.dy, case.axis))
        self.gamma = np.ones(self.channels) if case.gamma is None else _float64(case.gamma)
        self.beta = np.zeros(self.channels) if case.beta is None else _float64(case.beta)
        self.running_mean = None if case.running_mean is None else _float64(case.running_mean)
        self.running_var = None if case.running_var is None else _float64(case.running_var)
        self.eps, self.momentum = float(case.eps), float(case.momentum)

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
        g = self._lift(self.need("g"))
        if self.mode == "train":
            return equations.training_gradients(g, self.gamma, self.batch).rounded()
        return equations.inference_gradients(g, self.gamma, self.population).rounded()

    def need(self, name: str) -> Array:
        """Returns the Case's array `name`; raises ValueError where the Case has none."""
        array: Array | None = getattr(self, name)
        if array is None:
            raise ValueError(f"Case.{'dy' if name == 'g' else name} is None; the quantity asked for depends on it")
        return array

    def _lift(self, value: float | Array) -> Number:
        return DoubleDouble(value) if self.extended else value


_solutions: WeakKeyDictionary[Case, Solution] = WeakKeyDictionary()


def solution(case: Case) -> Solution:
    """Returns the solution that all functions of `case` share."""
    known = _solutions.get(case)
    if known is None:
        known = _solutions[case] = Solution(case)
    return known


def normalize(case: Case) -> Array:
    """Returns y of a training step, of x's shape: standardized by the batch's own mean and biased variance."""
    with np.errstate(all="ignore"):
        return from_rows(solution(case).trained, case.x.shape, case.axis)


def infer(case: Case) -> Array:
    """Returns y of inference, of x's shape: standardized by the running statistics."""
    with np.errstate(all="ignore"):
        return from_rows(solution(case).inferred, case.x.shape, case.axis)


def normalized(case: Case) -> Array:
    """Returns h = (x - mean)/√(variance + ε) of a training step, of x's shape, before scale and shift."""
    with np.errstate(all="ignore"):
        return from_rows(solution(case).batch_values.h, case.x.shape, case.axis)


def batch_mean(case: Case) -> Array:
    """Returns the mean of each channel, of shape (C,)."""
    with np.errstate(all="ignore"):
        return solution(case).batch_values.mean


def batch_variance(case: Case) -> Array:
    """Returns the biased variance of each channel, of shape (C,)."""
    with np.errstate(all="ignore"):
        return solution(case).batch_values.variance


def running_mean(case: Case) -> Array:
    """Returns the running mean after a training step, of shape (C,)."""
    with np.errstate(all="ignore"):
        return solution(case).next_mean


def running_var(case: Case, correction: int = 1) -> Array:
    """Returns the running variance after a training step, of shape (C,).

    correction: 1 averages the unbiased variance, 0 the biased one. With m = correction the variance is undefined: NaN.
    """
    with np.errstate(all="ignore"):
        return solution(case).next_variance(correction)


def dx(case: Case) -> Array:
    """Returns the gradient of x in the Case's mode, of x's shape."""
    with np.errstate(all="ignore"):
        return from_rows(solution(case).gradients.dx, case.x.shape, case.axis)


def dgamma(case: Case) -> Array:
    """Returns the gradient of gamma in the Case's mode, of shape (C,); defined where gamma is None, too."""
    with np.errstate(all="ignore"):
        return solution(case).gradients.dgamma


def dbeta(case: Case) -> Array:
    """Returns the gradient of beta, of shape (C,)."""
    with np.errstate(all="ignore"):
        return solution(case).gradients.dbeta


def _float64(array: np.ndarray) -> Array:
    return array.astype(np.float64, copy=False)
