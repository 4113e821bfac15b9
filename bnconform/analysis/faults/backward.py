"""Faults of the gradients, the forward pass being right."""

from bnconform.analysis.faults.calculation import Calculation, Number
from bnconform.analysis.faults.fault import fault


@fault("mean_term")
def dx_without_its_mean_term(c: Calculation) -> Number:
    """dx lacks the term mean(g): the mean is taken for a constant."""
    return c.g * 0.0


@fault("variance_term")
def dx_without_its_variance_term(c: Calculation) -> Number:
    """dx lacks the term h·mean(g·h): the variance is taken for a constant."""
    return c.g * 0.0


@fault("mean_term")
def mean_term_of_dx_halved(c: Calculation) -> Number:
    """The term mean(g) of dx is halved."""
    return c.average(c.g) * 0.5


@fault("variance_term")
def variance_term_of_dx_halved(c: Calculation) -> Number:
    """The term h·mean(g·h) of dx is halved."""
    return c.h_back * c.average(c.g * c.h_back) * 0.5


@fault("variance_term")
def variance_term_of_dx_doubled(c: Calculation) -> Number:
    """The term h·mean(g·h) of dx is doubled: the factor 2 of the square is not cancelled."""
    return c.h_back * c.average(c.g * c.h_back) * 2.0


@fault("mean_term")
def mean_term_of_dx_negated(c: Calculation) -> Number:
    """The term mean(g) of dx has the wrong sign."""
    return c.average(c.g) * -1.0


@fault("variance_term")
def variance_term_of_dx_negated(c: Calculation) -> Number:
    """The term h·mean(g·h) of dx has the wrong sign."""
    return c.h_back * c.average(c.g * c.h_back) * -1.0


@fault("variance_term")
def variance_term_of_dx_over_m_less_one(c: Calculation) -> Number:
    """The term h·mean(g·h) of dx divides by m - 1."""
    return c.h_back * (c.total(c.g * c.h_back) / float(max(c.m - 1, 1)))


@fault("mean_term")
def mean_term_of_dx_over_m_less_one(c: Calculation) -> Number:
    """The term mean(g) of dx divides by m - 1."""
    return c.total(c.g) / float(max(c.m - 1, 1))


@fault("variance_term")
def variance_term_of_dx_with_unit_variance(c: Calculation) -> Number:
    """The term h·mean(g·h) of dx is divided by mean(h²), as if the normalized values had variance one."""
    return c.h_back * (c.total(c.g * c.h_back) / c.total(c.h_back * c.h_back))


@fault("dx")
def dx_without_scale(c: Calculation) -> Number:
    """dx lacks the factor γ."""
    return c.reaching * c.r_back


@fault("dx")
def dx_without_the_root(c: Calculation) -> Number:
    """dx lacks the factor 1/√(v + ε)."""
    return c.reaching * c.gamma


@fault("dx")
def dx_a_hundredth_too_large(c: Calculation) -> Number:
    """dx is 1.01 times as large."""
    return c.reaching * (c.gamma * c.r_back) * 1.01


@fault("dx")
def dx_half_as_large_again(c: Calculation) -> Number:
    """dx is 1.5 times as large."""
    return c.reaching * (c.gamma * c.r_back) * 1.5


@fault("r_back")
def epsilon_missing_in_the_backward_pass(c: Calculation) -> Number:
    """The backward pass leaves ε out, the forward pass does not."""
    return 1.0 / c.sqrt(c.variance_in_y)


@fault("r_back")
def another_epsilon_in_the_backward_pass(c: Calculation) -> Number:
    """The backward pass adds twice the ε of the forward pass."""
    return 1.0 / c.sqrt(c.variance_in_y + 2.0 * c.eps)


@fault("r_back")
def unbiased_variance_in_the_backward_pass(c: Calculation) -> Number:
    """The backward pass of training divides by the root of the unbiased variance."""
    return 1.0 / c.sqrt(c.variance_in_y * (float(c.m) / max(c.m - 1, 1)) + c.eps) if c.training else c.r


@fault("reaching")
def inference_gradient_in_training(c: Calculation) -> Number:
    """Training sends no gradient through its statistics."""
    return c.g


@fault("reaching")
def training_gradient_in_inference(c: Calculation) -> Number:
    """Inference sends gradients through its statistics, as if they were the batch's."""
    return c.g - c.mean_term - c.variance_term


@fault("dgamma")
def dgamma_from_running_statistics(c: Calculation) -> Number:
    """In training the gradient of γ takes the values that the running statistics normalize."""
    if c.rm is None:
        return c.total(c.g * c.h_back)
    return c.total(c.g * (c.x - c.rm) / c.sqrt(c.rv + c.eps))


@fault("dgamma")
def dgamma_not_centred(c: Calculation) -> Number:
    """The gradient of γ takes x·r, from which the mean is not subtracted."""
    return c.total(c.g * (c.x * c.r_back))


@fault("dgamma")
def dgamma_without_the_root(c: Calculation) -> Number:
    """The gradient of γ takes x - μ, which is not normalized."""
    return c.total(c.g * c.d)


@fault("dgamma")
def dgamma_of_the_output(c: Calculation) -> Number:
    """The gradient of γ takes the output in place of the normalized values."""
    return c.total(c.g * c.y)


@fault("dgamma")
def dgamma_averaged(c: Calculation) -> Number:
    """The gradient of γ is a mean, not a sum."""
    return c.average(c.g * c.h_back)


@fault("dbeta")
def dbeta_averaged(c: Calculation) -> Number:
    """The gradient of β is a mean, not a sum."""
    return c.average(c.g)


@fault("dbeta")
def dbeta_times_scale(c: Calculation) -> Number:
    """The gradient of β has the factor γ."""
    return c.total(c.g) * c.gamma


@fault("dgamma")
def dgamma_missing(c: Calculation) -> Number:
    """The gradient of γ is zero."""
    return c.total(c.g) * 0.0


@fault("dbeta")
def dbeta_missing(c: Calculation) -> Number:
    """The gradient of β is zero."""
    return c.total(c.g) * 0.0


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
