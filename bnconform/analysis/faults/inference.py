"""Faults of inference, training being right."""

from bnconform.analysis.faults.calculation import Calculation, Number
from bnconform.analysis.faults.fault import fault


@fault("centre")
def batch_mean_in_inference(c: Calculation) -> Number:
    """Inference subtracts the mean of the batch."""
    return c.mean


@fault("variance_in_y")
def batch_variance_in_inference(c: Calculation) -> Number:
    """Inference divides by the root of the batch's variance."""
    return c.variance


@fault("r")
def running_variance_taken_for_the_deviation(c: Calculation) -> Number:
    """Inference divides by the running variance itself, not by its root."""
    return 1.0 / c.sqrt(c.variance_in_y + c.epsilon) if c.training else 1.0 / (c.variance_in_y + c.epsilon)


@fault("r")
def running_deviation_taken_for_the_variance(c: Calculation) -> Number:
    """Inference takes the root of the running variance twice."""
    return 1.0 / c.sqrt((c.variance_in_y if c.training else c.sqrt(c.variance_in_y)) + c.epsilon)


@fault("variance_in_y")
def running_variance_corrected_in_inference(c: Calculation) -> Number:
    """Inference multiplies the running variance by m/(m - 1)."""
    return c.variance if c.training else c.rv * (float(c.m) / max(c.m - 1, 1))


@fault("centre")
def running_mean_not_subtracted(c: Calculation) -> Number:
    """Inference does not subtract the running mean."""
    return c.mean if c.training else c.rm * 0.0


@fault("running_mean")
def running_mean_updated_in_inference(c: Calculation) -> Number:
    """Inference moves the running mean."""
    return None if c.rm is None else c.rm * (1.0 - c.weight) + c.mean * c.weight


@fault("running_var")
def running_variance_updated_in_inference(c: Calculation) -> Number:
    """Inference moves the running variance."""
    return None if c.rv is None else c.rv * (1.0 - c.weight) + c.variance_averaged * c.weight


@fault("centre")
def output_depends_on_the_momentum(c: Calculation) -> Number:
    """Training subtracts the running mean that it has just updated."""
    return c.rm if not c.training else c.mean if c.rm is None else c.running_mean


@fault("variance_in_y")
def new_running_variance_in_training(c: Calculation) -> Number:
    """Training divides by the root of the running variance that it has just updated."""
    return c.rv if not c.training else c.variance if c.rv is None else c.running_var
