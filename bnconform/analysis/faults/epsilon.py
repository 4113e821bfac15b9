"""Faults of ε: where it stands, and how large it is."""

from dataclasses import replace

from bnconform.analysis.faults.calculation import Calculation, Number
from bnconform.analysis.faults.fault import fault, prepared
from bnconform.contract.case import Case


@fault("r")
def epsilon_outside_the_root(c: Calculation) -> Number:
    """ε is added to the standard deviation: 1/(√v + ε)."""
    return 1.0 / (c.sqrt(c.variance_in_y) + c.epsilon)


@fault("r")
def root_of_epsilon_added(c: Calculation) -> Number:
    """The root of ε is added to the standard deviation: 1/(√v + √ε)."""
    return 1.0 / (c.sqrt(c.variance_in_y) + c.sqrt(c.number(c.epsilon)))


@fault("r")
def epsilon_added_to_the_reciprocal(c: Calculation) -> Number:
    """ε is added inside and once more to the root itself."""
    return 1.0 / (c.sqrt(c.variance_in_y + c.epsilon) + c.epsilon)


@fault("r")
def epsilon_as_a_floor(c: Calculation) -> Number:
    """ε is the least variance, not an addition: 1/√max(v, ε)."""
    return 1.0 / c.sqrt(c.largest(c.variance_in_y, c.epsilon))


@fault("epsilon")
def epsilon_missing(c: Calculation) -> Number:
    """ε is left out."""
    return 0.0


@fault("epsilon")
def epsilon_twice(c: Calculation) -> Number:
    """ε is added twice."""
    return 2.0 * c.eps


@fault("epsilon")
def epsilon_squared(c: Calculation) -> Number:
    """ε is squared before it is added."""
    return c.eps * c.eps


@fault("epsilon")
def epsilon_a_thousandth_too_large(c: Calculation) -> Number:
    """ε is 1.001 times as large."""
    return 1.001 * c.eps


@fault("epsilon")
def epsilon_a_tenth_too_large(c: Calculation) -> Number:
    """ε is 1.1 times as large."""
    return 1.1 * c.eps


@fault("epsilon")
def epsilon_subtracted(c: Calculation) -> Number:
    """ε is subtracted."""
    return -c.eps


@prepared(convention=True)
def epsilon_of_1e_3(case: Case) -> Case:
    """ε is 1e-3, a common default, whatever was asked for."""
    return replace(case, eps=1e-3)


@prepared(convention=True)
def epsilon_of_1e_5(case: Case) -> Case:
    """ε is 1e-5, a common default, whatever was asked for."""
    return replace(case, eps=1e-5)


@prepared()
def epsilon_at_least_1e_5(case: Case) -> Case:
    """A smaller ε is raised to 1e-5, so that none at all becomes one."""
    return replace(case, eps=max(case.eps, 1e-5))


@fault("epsilon")
def epsilon_missing_in_training(c: Calculation) -> Number:
    """Training leaves ε out, inference does not."""
    return 0.0 if c.training else c.eps


@fault("epsilon")
def epsilon_missing_in_inference(c: Calculation) -> Number:
    """Inference leaves ε out, training does not."""
    return c.eps if c.training else 0.0


@fault("variance_averaged")
def epsilon_in_the_running_variance(c: Calculation) -> Number:
    """The running variance averages v + ε."""
    return (c.variance + c.eps) * c.correction
