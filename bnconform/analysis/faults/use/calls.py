"""Faults of several calls of one layer: what belongs to a call is mixed up with what belongs to another.

Rule: each is right where a layer is called once, or by the batch itself where it keeps no averages.
"""

from bnconform.analysis.faults.calculation import Calculation, Number
from bnconform.analysis.faults.fault import Formulas, fault, together
from bnconform.analysis.faults.formulas import FORMULAS


@fault("h_back")
def normalized_values_of_the_last_call(c: Calculation) -> Number:
    """The layer keeps its normalized values on itself, so that the backward pass finds those of the last call."""
    return FORMULAS["h_back"](c.last)


@together()
def statistics_of_the_last_training_call() -> Formulas:
    """The layer keeps mean and deviation of training on itself, so that gradients are by those of the last call."""
    return {
        "r_back": lambda c: _kept(c).r,
        "h_back": lambda c: (c.x - _kept(c).centre) * c.r_back,
    }


def _kept(c: Calculation) -> Calculation:
    return c.last if c.training and c.last.training else c


@fault("y")
def output_in_one_buffer(c: Calculation) -> Number:
    """Each call writes its output into one buffer of the layer, so that the first one's is the last one's."""
    return FORMULAS["y"](c.last)


@fault("through")
def backward_pass_by_the_mode_of_the_last_call(c: Calculation) -> Number:
    """The backward pass of training asks the layer for its mode, which is that of the last call."""
    return c.training and c.last.training


@together()
def backward_pass_by_the_averages_of_afterwards() -> Formulas:
    """The backward pass of inference reads the averages when it runs, as the last call left them."""
    return {
        "r_back": lambda c: c.r if c.training else 1.0 / c.sqrt(c.last.running_var + c.epsilon),
        "h_back": lambda c: (c.d if c.training else c.x - c.last.running_mean) * c.r_back,
    }


@together()
def second_call_moves_no_averages() -> Formulas:
    """A second call before the backward pass moves no averages."""
    return {
        "running_mean": lambda c: c.rm if _is_between(c) else FORMULAS["running_mean"](c),
        "running_var": lambda c: c.rv if _is_between(c) else FORMULAS["running_var"](c),
    }


def _is_between(c: Calculation) -> bool:
    """Returns whether a call is one behind that whose backward pass is still to come."""
    return c.previous is not None and c.previous.last is c


@together()
def second_call_begins_with_the_old_averages() -> Formulas:
    """A second call before the backward pass moves the averages from where they were before the first."""
    return {
        "rm": lambda c: c.vector(c.case.running_mean) if _is_between(c) else FORMULAS["rm"](c),
        "rv": lambda c: c.vector(c.case.running_var) if _is_between(c) else FORMULAS["rv"](c),
    }


@together()
def averages_moved_by_inference_between() -> Formulas:
    """Inference moves the averages where the backward pass of training is still to come."""
    return {
        "running_mean": lambda c: _moved_between(c, c.rm, "mean_averaged", "running_mean"),
        "running_var": lambda c: _moved_between(c, c.rv, "variance_averaged", "running_var"),
    }


def _moved_between(c: Calculation, old: Number, new: str, name: str) -> Number:
    if old is None or c.training or not _is_between(c) or not (c.previous and c.previous.training):
        return FORMULAS[name](c)
    return old * (1.0 - c.omega) + getattr(c, new) * c.omega


@together()
def training_behind_inference_by_the_averages() -> Formulas:
    """Training that follows a call of inference still normalizes by the averages, which it moves."""
    return {
        "centre": lambda c: c.rm if _has_just_inferred(c) else FORMULAS["centre"](c),
        "variance_in_y": lambda c: c.rv if _has_just_inferred(c) else FORMULAS["variance_in_y"](c),
        "through": lambda c: c.training and not _has_just_inferred(c),
    }


def _has_just_inferred(c: Calculation) -> bool:
    return c.training and c.previous is not None and not c.previous.training and c.rm is not None


@together()
def averages_fixed_by_a_call_of_inference() -> Formulas:
    """Training that follows a call of inference moves the averages no more."""
    return {
        "running_mean": lambda c: c.rm if _has_just_inferred(c) else FORMULAS["running_mean"](c),
        "running_var": lambda c: c.rv if _has_just_inferred(c) else FORMULAS["running_var"](c),
    }


@together()
def inference_by_the_averages_of_its_first_call() -> Formulas:
    """Inference keeps the averages of the first time that it was called, and training since then does not count."""
    return {
        "centre": lambda c: FORMULAS["centre"](c) if c.training else _first_inference(c).rm,
        "variance_in_y": lambda c: FORMULAS["variance_in_y"](c) if c.training else _first_inference(c).rv,
    }


def _first_inference(c: Calculation) -> Calculation:
    first = c
    while c.previous is not None:
        c = c.previous
        first = first if c.training else c
    return first


@together()
def inference_without_averages_by_zero_and_one() -> Formulas:
    """Inference of a layer without averages takes 0 for the mean and 1 for the variance."""
    return {
        "centre": lambda c: c.mean * 0.0 if c.untracked else FORMULAS["centre"](c),
        "variance_in_y": lambda c: c.variance * 0.0 + 1.0 if c.untracked else FORMULAS["variance_in_y"](c),
        "through": lambda c: c.training and not c.untracked,
    }


@fault("through")
def nothing_through_the_statistics_of_inference_without_averages(c: Calculation) -> Number:
    """Inference of a layer without averages normalizes by the batch, and sends nothing through its statistics."""
    return c.training and not c.untracked
