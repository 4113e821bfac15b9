"""Faults of dx, the forward pass being right."""

from bnconform.analysis.faults.calculation import Calculation, Number
from bnconform.analysis.faults.fault import Formulas, fault, together
from bnconform.analysis.faults.formulas import unbiasing


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
    return 1.0 / c.sqrt(c.variance_in_y * unbiasing(c) + c.eps) if c.training else c.r


@fault("reaching")
def inference_gradient_in_training(c: Calculation) -> Number:
    """Training sends no gradient through its statistics."""
    return c.g


@fault("reaching")
def training_gradient_in_inference(c: Calculation) -> Number:
    """Inference sends gradients through its statistics, as if they were the batch's."""
    return c.g - c.mean_term - c.variance_term


@fault("r_back")
def epsilon_subtracted_in_the_backward_pass(c: Calculation) -> Number:
    """The backward pass subtracts ε, which the forward pass adds."""
    return 1.0 / c.sqrt(c.variance_in_y - c.eps)


@fault("r_back")
def saved_reciprocal_root_taken_for_the_variance(c: Calculation) -> Number:
    """The backward pass of training takes the saved 1/√(v + ε) for the variance."""
    return 1.0 / c.sqrt(c.r + c.eps) if c.training else c.r


@fault("r_back")
def saved_variance_taken_for_the_reciprocal_root(c: Calculation) -> Number:
    """The backward pass of training takes the saved variance for 1/√(v + ε)."""
    return c.variance_in_y if c.training else c.r


def _with_power(c: Calculation, power: Number) -> Number:
    """Returns the term of the variance with `power` in place of (v + ε)^(-3/2), of which dx multiplies 1/√(v + ε)."""
    return c.d * c.average(c.g * c.d) * (power / c.r_back)


@fault("variance_term")
def epsilon_subtracted_in_the_gradient_of_the_variance(c: Calculation) -> Number:
    """The gradient of the variance has (v - ε)^(-3/2) for (v + ε)^(-3/2)."""
    v = c.variance_in_y - c.eps
    return _with_power(c, 1.0 / (v * c.sqrt(v)))


@fault("variance_term")
def epsilon_missing_in_the_gradient_of_the_variance(c: Calculation) -> Number:
    """The gradient of the variance has v^(-3/2) for (v + ε)^(-3/2)."""
    return _with_power(c, 1.0 / (c.variance_in_y * c.sqrt(c.variance_in_y)))


@fault("variance_term")
def first_power_of_the_root_in_the_gradient_of_the_variance(c: Calculation) -> Number:
    """The gradient of the variance has (v + ε)^(-1/2) for (v + ε)^(-3/2)."""
    return _with_power(c, c.r_back)


def _pixels(c: Calculation) -> float:
    """Returns H·W, how many values of a channel an example has; 1 where the channels are on the first axis."""
    return float(c.m / c.examples) if c.case.axis % c.case.x.ndim else 1.0


@fault("variance_term")
def count_in_the_gradient_of_the_variance_without_parentheses(c: Calculation) -> Number:
    """The gradient of the variance has the factor 2/N·H·W for 2/(N·H·W)."""
    return c.h_back * c.average(c.g * c.h_back) * _pixels(c) ** 2


@together()
def terms_of_dx_divided_by_examples() -> Formulas:
    """The terms mean(g) and h·mean(g·h) of a feature map's dx divide by N, not by N·H·W."""
    return {
        "mean_term": lambda c: c.average(c.g) * _pixels(c),
        "variance_term": lambda c: c.h_back * c.average(c.g * c.h_back) * _pixels(c),
    }


@fault("dx")
def dx_equal_to_dy(c: Calculation) -> Number:
    """dx is dy, as it came."""
    return c.g
