"""The bounds: how far an element may lie from the reference if the formula is right and only rounding differs.

Rules: a bound follows from the analysis of rounding in the arithmetic that a Dialect declares, worst case over every
order of summation; there is no other tolerance. Where the analysis has nothing to say the allowance is infinite. All
bounds share one set of error terms per Case and Dialect, forgotten with the Case.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import TypeVar

import numpy as np

from bnconform.contract.axes import from_rows
from bnconform.contract.case import Case
from bnconform.contract.dialect import Dialect
from bnconform.contract.memo import once
from bnconform.oracle.bounds.first_order import Allowance, ChannelErrors
from bnconform.oracle.bounds.folding import FoldingErrors
from bnconform.oracle.bounds.second_order import SecondOrderErrors
from bnconform.oracle.bounds.third_order import ThirdOrderErrors
from bnconform.oracle.bounds.through_statistics import StatisticsErrors
from bnconform.oracle.reference.reductions import Array, Mask

LEAST_SHARE = 1e-2
"""A comparison claims something where the allowance is at most this share of the scale …"""
LEAST_ROUNDINGS = 32
"""… or this many roundings of the output's type."""


@dataclass(frozen=True, eq=False)
class Bound:
    """The bound of an output: float64 arrays of the output's shape, in the output's units.

    allowance: the largest error that rounding explains; infinite where there is no claim.
    scale: the natural magnitude of the element, the sum of the magnitudes that it is the sum of.
    u: unit roundoff of the output's type.
    """

    allowance: Array
    scale: Array
    u: float = 0.0

    @cached_property
    def claims(self) -> Mask:
        """Where a comparison means something: the allowance is finite and small beside the scale."""
        share = max(LEAST_SHARE, LEAST_ROUNDINGS * self.u)
        return np.isfinite(self.allowance) & (self.allowance <= share * self.scale)

    @property
    def is_finite(self) -> Mask:
        """Where the analysis has something to say: the arithmetic cannot overflow there."""
        return np.isfinite(self.allowance)

    def __add__(self, other: Bound | Array | float) -> Bound:
        """Returns a Bound that allows for `other` as well, by its allowance where it is a Bound; the scale stays."""
        more = other.allowance if isinstance(other, Bound) else other
        return Bound(self.allowance + more, self.scale, self.u)


Make = TypeVar("Make", bound=Callable[..., Bound])


def _once(make: Make) -> Make:
    """Makes each bound of a Case and Dialect once, since several specs compare the same output."""
    return once(np.errstate(all="ignore")(make))


@_once
def y(case: Case, dialect: Dialect) -> Bound:
    """Bounds y in the Case's mode, of x's shape."""
    return _elementwise(case, _errors_of(case, dialect).y())


@_once
def dx(case: Case, dialect: Dialect) -> Bound:
    """Bounds the gradient of x in the Case's mode, of x's shape, with the part of cotangents of the statistics."""
    through = case.mode == "train" and "batch_statistics" in case.needs
    errors = StatisticsErrors(case, dialect) if through else _errors_of(case, dialect)
    return _elementwise(case, errors.dx())


@_once
def dgamma(case: Case, dialect: Dialect) -> Bound:
    """Bounds the gradient of gamma in the Case's mode, of shape (C,)."""
    return Bound(*_errors_of(case, dialect).dgamma())


@_once
def dbeta(case: Case, dialect: Dialect) -> Bound:
    """Bounds the gradient of beta, of shape (C,)."""
    return Bound(*_errors_of(case, dialect).dbeta())


@_once
def running_mean(case: Case, dialect: Dialect) -> Bound:
    """Bounds the running mean after a training step, of shape (C,)."""
    return Bound(*_errors_of(case, dialect).running_mean())


def running_var(case: Case, dialect: Dialect, correction: int = 1) -> Bound:
    """Bounds the running variance after a training step, of shape (C,); no claim where m = correction."""
    return _running_var(case, dialect, correction)


@_once
def _running_var(case: Case, dialect: Dialect, correction: int) -> Bound:
    return Bound(*_errors_of(case, dialect).running_var(correction))


@_once
def batch_mean(case: Case, dialect: Dialect) -> Bound:
    """Bounds the mean of the batch, of shape (C,), as an output in the type of the running statistics."""
    return Bound(*_errors_of(case, dialect).batch_mean())


@_once
def batch_var(case: Case, dialect: Dialect) -> Bound:
    """Bounds the biased variance of the batch, of shape (C,), as an output in the type of the running statistics."""
    return Bound(*_errors_of(case, dialect).batch_var())


@_once
def drunning_mean(case: Case, dialect: Dialect) -> Bound:
    """Bounds the gradient of the running mean in inference, of shape (C,)."""
    return Bound(*StatisticsErrors(case, dialect).drunning_mean())


@_once
def drunning_var(case: Case, dialect: Dialect) -> Bound:
    """Bounds the gradient of the running variance in inference, of shape (C,)."""
    return Bound(*StatisticsErrors(case, dialect).drunning_var())


@_once
def dot_y(case: Case, dialect: Dialect) -> Bound:
    """Bounds the tangent of y in the Case's mode, of x's shape."""
    return _elementwise(case, _second_errors_of(case, dialect).dot_y())


@_once
def grad_x(case: Case, dialect: Dialect) -> Bound:
    """Bounds the gradient in x of the weighted gradients, of x's shape."""
    return _elementwise(case, _second_errors_of(case, dialect).grad_x())


@_once
def third_x(case: Case, dialect: Dialect) -> Bound:
    """Bounds the gradient in x of <bar_grad_x, grad_x>, of x's shape."""
    return _elementwise(case, ThirdOrderErrors(case, dialect).third_x())


@_once
def folded_weight(case: Case, dialect: Dialect) -> Bound:
    """Bounds the weight of the layer that does the work of the case's layer and of its normalization, of x's shape."""
    return _elementwise(case, FoldingErrors(case, dialect).folded_weight())


@_once
def folded_bias(case: Case, dialect: Dialect) -> Bound:
    """Bounds the bias of the same layer, of shape (C,)."""
    return Bound(*FoldingErrors(case, dialect).folded_bias())


@_once
def grad_gamma(case: Case, dialect: Dialect) -> Bound:
    """Bounds the gradient in gamma of the weighted gradients, of shape (C,)."""
    return Bound(*_second_errors_of(case, dialect).grad_gamma())


@_once
def grad_dy(case: Case, dialect: Dialect) -> Bound:
    """Bounds the gradient in dy of the weighted gradients, of x's shape."""
    return _elementwise(case, _second_errors_of(case, dialect).grad_dy())


@once
def _second_errors_of(case: Case, dialect: Dialect) -> SecondOrderErrors:
    """Returns the error terms of further derivatives, which their bounds share."""
    return SecondOrderErrors(case, dialect)


@once
def _errors_of(case: Case, dialect: Dialect) -> ChannelErrors:
    """Returns the error terms of outputs and first derivatives, which their bounds share."""
    return ChannelErrors(case, dialect)


def _elementwise(case: Case, result: Allowance) -> Bound:
    allowance, scale, u = result
    return Bound(from_rows(allowance, case.x.shape, case.axis), from_rows(scale, case.x.shape, case.axis), u)
