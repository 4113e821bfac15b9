"""The reference: the right value of each output of a Case, in float64 arrays.

Rule: it computes, a spec judges. All functions share one solution per Case.
"""

from __future__ import annotations

import numpy as np

from bnconform.contract.axes import from_rows
from bnconform.contract.case import Case
from bnconform.oracle.reference.quantities import Solution as Solution
from bnconform.oracle.reference.quantities import solution as solution
from bnconform.oracle.reference.reductions import Array


def y(case: Case) -> Array:
    """Returns the output, of x's shape: standardized by the batch's own mean and biased variance in training, by the
    running statistics in inference.
    """
    with np.errstate(all="ignore"):
        own = solution(case)
        return from_rows(own.trained if case.mode == "train" else own.inferred, case.x.shape, case.axis)


def normalized(case: Case) -> Array:
    """Returns h = (x - mean)/√(variance + ε) of a training step, of x's shape, before scale and shift."""
    with np.errstate(all="ignore"):
        return from_rows(solution(case).batch_values.h, case.x.shape, case.axis)


def batch_mean(case: Case) -> Array:
    """Returns the mean of each channel, of shape (C,)."""
    with np.errstate(all="ignore"):
        return solution(case).batch_values.mean


def batch_var(case: Case) -> Array:
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
    """Returns the gradient of x in the Case's mode, of x's shape, with the part of cotangents of the statistics."""
    with np.errstate(all="ignore"):
        return from_rows(solution(case).dx, case.x.shape, case.axis)


def dgamma(case: Case) -> Array:
    """Returns the gradient of gamma in the Case's mode, of shape (C,); defined where gamma is None, too."""
    with np.errstate(all="ignore"):
        return solution(case).gradients.dgamma


def dbeta(case: Case) -> Array:
    """Returns the gradient of beta, of shape (C,)."""
    with np.errstate(all="ignore"):
        return solution(case).gradients.dbeta


def drunning_mean(case: Case) -> Array:
    """Returns the gradient of the running mean in inference, of shape (C,)."""
    with np.errstate(all="ignore"):
        return solution(case).running_gradients[0]


def drunning_var(case: Case) -> Array:
    """Returns the gradient of the running variance in inference, of shape (C,)."""
    with np.errstate(all="ignore"):
        return solution(case).running_gradients[1]


def dot_y(case: Case) -> Array:
    """Returns the tangent of y in the Case's mode, of x's shape."""
    with np.errstate(all="ignore"):
        return from_rows(solution(case).dot_y, case.x.shape, case.axis)


def grad_x(case: Case) -> Array:
    """Returns the gradient in x of <bar_dx, dx> + <bar_dgamma, dgamma> + <bar_dbeta, dbeta>, of x's shape."""
    with np.errstate(all="ignore"):
        return from_rows(solution(case).second.x, case.x.shape, case.axis)


def third_x(case: Case) -> Array:
    """Returns the gradient in x of <bar_grad_x, grad_x>, of x's shape, where bar_dx alone gives grad_x."""
    with np.errstate(all="ignore"):
        return from_rows(solution(case).third_x, case.x.shape, case.axis)


def folded_weight(case: Case) -> Array:
    """Returns the weight of the layer that does the work of the case's layer and of its normalization, of x's shape."""
    with np.errstate(all="ignore"):
        return from_rows(solution(case).folded_weight, case.x.shape, case.axis)


def folded_bias(case: Case) -> Array:
    """Returns the bias of the same layer, of shape (C,)."""
    with np.errstate(all="ignore"):
        return solution(case).folded_bias


def grad_gamma(case: Case) -> Array:
    """Returns the gradient in gamma of the same, of shape (C,)."""
    with np.errstate(all="ignore"):
        return solution(case).second.gamma


def grad_dy(case: Case) -> Array:
    """Returns the gradient in dy of the same, of x's shape."""
    with np.errstate(all="ignore"):
        return from_rows(solution(case).second.g, case.x.shape, case.axis)
