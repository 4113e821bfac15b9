"""Faults of inference, and of what is taken for the other mode."""

from dataclasses import replace

from bnconform.analysis.faults.calculation import Calculation, Number
from bnconform.analysis.faults.fault import Formulas, fault, prepared, together
from bnconform.analysis.faults.formulas import unbiasing
from bnconform.contract.case import Case


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
    return c.variance if c.training else c.rv * unbiasing(c)


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


def _by_the_batch() -> Formulas:
    return {"centre": lambda c: c.mean, "variance_in_y": lambda c: c.variance}


@together()
def batch_statistics_in_inference() -> Formulas:
    """Inference normalizes by mean and variance of the batch, and sends gradients through them."""
    return {**_by_the_batch(), "through": lambda c: True}


@together()
def batch_statistics_as_constants_in_inference() -> Formulas:
    """Inference normalizes by mean and variance of the batch, which its gradients take for constants."""
    return _by_the_batch()


@together()
def batch_gradient_in_inference() -> Formulas:
    """The gradients of inference are those of training, by the statistics of the batch; its output is right."""
    return {
        "r_back": lambda c: c.r if c.training else 1.0 / c.sqrt(c.variance + c.epsilon),
        "h_back": lambda c: (c.x - c.mean) * c.r_back,
        "reaching": lambda c: c.g - c.mean_term - c.variance_term,
    }


@together()
def running_statistics_exchanged_in_inference() -> Formulas:
    """Inference takes the running mean for the variance, and the running variance for the mean."""
    return {
        "centre": lambda c: c.mean if c.training else c.rv,
        "variance_in_y": lambda c: c.variance if c.training else c.rm,
    }


@together()
def initial_statistics_in_inference() -> Formulas:
    """Inference normalizes by a mean of 0 and a variance of 1, the initial values, whatever the averages are."""
    return {
        "centre": lambda c: c.mean if c.training else c.rm * 0.0,
        "variance_in_y": lambda c: c.variance if c.training else c.rv * 0.0 + 1.0,
    }


@together()
def nothing_normalized_in_inference() -> Formulas:
    """Inference gives γ·x + β."""
    return {
        "centre": lambda c: c.mean if c.training else c.rm * 0.0,
        "r": lambda c: 1.0 / c.sqrt(c.variance_in_y + c.epsilon) if c.training else c.rv * 0.0 + 1.0,
    }


@together()
def averages_updated_in_inference() -> Formulas:
    """Inference moves both averages, and its output is right."""
    return {**running_mean_updated_in_inference.formulas, **running_variance_updated_in_inference.formulas}


@prepared()
def inference_taken_for_training(case: Case) -> Case:
    """Inference is taken for training: the batch normalizes itself and moves the averages."""
    return case if case.layer else replace(case, mode="train")  # folding is of inference alone


@prepared()
def training_taken_for_inference(case: Case) -> Case:
    """Training is taken for inference: the averages normalize the batch, and stay as they were."""
    return case if case.running_mean is None or case.running_var is None else replace(case, mode="infer")


@together()
def running_statistics_taken_in_training() -> Formulas:
    """Training normalizes by the running mean and variance, sends no gradients through them, and moves them."""
    return {
        "centre": lambda c: c.mean if c.rm is None else c.rm,
        "variance_in_y": lambda c: c.variance if c.rv is None else c.rv,
        "through": lambda c: c.training and c.rm is None,
    }


@together()
def new_running_statistics_in_training() -> Formulas:
    """Training normalizes by the running mean and variance that it has just updated."""
    return {**output_depends_on_the_momentum.formulas, **new_running_variance_in_training.formulas}
