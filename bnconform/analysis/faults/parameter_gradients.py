"""Faults of the gradients of scale and shift, the forward pass being right."""

import numpy as np

from bnconform.analysis.faults.calculation import Calculation, Number
from bnconform.analysis.faults.fault import Formulas, fault, together


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


@fault("dgamma")
def dgamma_of_the_input(c: Calculation) -> Number:
    """The gradient of γ takes the input in place of the normalized values: Σ g·x."""
    return c.total(c.g * c.x)


@together()
def gradients_of_scale_and_shift_exchanged() -> Formulas:
    """The gradients of γ and β change places."""
    return {"dgamma": lambda c: c.total(c.g), "dbeta": lambda c: c.total(c.g * c.h_back)}


@together()
def gradients_of_scale_and_shift_averaged() -> Formulas:
    """The gradients of γ and β are means, not sums."""
    return {**dgamma_averaged.formulas, **dbeta_averaged.formulas}


@together()
def gradients_of_scale_and_shift_missing() -> Formulas:
    """The gradients of γ and β are zero."""
    return {**dgamma_missing.formulas, **dbeta_missing.formulas}


def _over_channels(c: Calculation, each: Number) -> Number:
    """Returns the sum over all channels, in each channel."""
    return c.vector(np.zeros(c.channels)) + c.total(each)


@fault("dgamma")
def dgamma_summed_over_channels(c: Calculation) -> Number:
    """The gradient of γ is summed over the channels, too: each channel gets the total of all."""
    return _over_channels(c, c.total(c.g * c.h_back))


@fault("dbeta")
def dbeta_summed_over_channels(c: Calculation) -> Number:
    """The gradient of β is summed over the channels, too: each channel gets the total of all."""
    return _over_channels(c, c.total(c.g))


@together()
def gradients_of_scale_and_shift_summed_over_channels() -> Formulas:
    """The gradients of γ and β are summed over the channels, too: each channel gets the totals of all."""
    return {**dgamma_summed_over_channels.formulas, **dbeta_summed_over_channels.formulas}
