"""Faults of tangents and second gradients, outputs and first gradients being right."""

from bnconform.analysis.faults.calculation import Calculation, Number
from bnconform.analysis.faults.fault import fault


@fault("dot_y")
def tangent_stopped_at_the_statistics(c: Calculation) -> Number:
    """The tangent of y takes the statistics of the batch for constants."""
    return c.dot_x * (c.gamma * c.r) + c.h * c.dot_gamma + c.dot_beta


@fault("dot_y")
def tangent_without_that_of_the_scale(c: Calculation) -> Number:
    """The tangent of y lacks the term of γ."""
    return _projected(c) * (c.gamma * c.r) + c.dot_beta


def _projected(c: Calculation) -> Number:
    t = c.dot_x
    return t - c.average(t) - c.h * c.average(t * c.h) if c.training else t


@fault("grad_x")
def second_gradient_with_constant_variance(c: Calculation) -> Number:
    """The second gradient of x takes the variance for a constant."""
    return c.pg * (c.r_back * c.p) if c.training else c.g * (c.r_back * c.p)


@fault("grad_x")
def second_gradient_with_constant_mean(c: Calculation) -> Number:
    """The second gradient of x does not centre the terms that flow through the mean."""
    if not c.training:
        return c.g * (c.r_back * c.p)
    inner = c.h_back * (c.second_product / float(c.m)) + c.g * c.wh + c.w * c.gh
    return c.pg * (c.r_back * c.p) - inner * (c.r_back * c.r_back * c.gamma)


@fault("grad_gamma")
def second_gradient_of_the_scale_missing(c: Calculation) -> Number:
    """The second gradient of γ is zero."""
    return c.second_product * 0.0


@fault("grad_gamma")
def second_gradient_of_the_scale_past_the_statistics(c: Calculation) -> Number:
    """The second gradient of γ takes the gradient of x for the cotangent itself."""
    return c.total(c.w * c.g) * c.r_back


@fault("grad_dy")
def second_gradient_of_the_cotangent_past_the_statistics(c: Calculation) -> Number:
    """The second gradient of the cotangent takes the statistics of the batch for constants."""
    return c.w * (c.gamma * c.r_back) + c.h_back * c.p + c.q
