"""Faults of use: of malformed calls, of a call before the backward pass, of gradients that are not wanted or are held.

Rules: each is right where a layer is called once, by arrays that fit, for all of its gradients, with none held before;
what makes a malformed call fit reads the array as memory without a check would: again from its start, or no further.
"""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from bnconform.analysis.faults.calculation import Calculation, Number
from bnconform.analysis.faults.fault import Formulas, fault, mending, together
from bnconform.analysis.faults.formulas import FORMULAS
from bnconform.contract.case import Case
from bnconform.contract.checks import array_of

AVERAGES = ("running_mean", "running_var")


def _again(array: np.ndarray, size: int) -> np.ndarray:
    """Returns the first values, so many of them, those of too short an array over and over."""
    return np.asarray(array[np.arange(size) % len(array)])


def _backwards(array: np.ndarray, size: int) -> np.ndarray:
    return array.reshape(size)[::-1].copy()


def _made_to_fit(case: Case, *words: str, by: Callable[[np.ndarray, int], np.ndarray] = _again, mode: str = "") -> Case:
    """Returns a Case that is malformed by one of the words, in that mode, with an array that fits; any other as it
    is."""
    if case.malformed not in words or mode not in ("", case.mode):
        return case
    name = array_of(str(case.malformed))
    mended: dict[str, Any] = {name: by(getattr(case, name), len(case.x) if name == "dy" else case.channels)}
    return replace(case, malformed=None, **mended)


def _of_averages(*ways: str) -> list[str]:
    return [f"{name}_{how}" for name in AVERAGES for how in ways]


@mending()
def longer_parameters_cut(case: Case) -> Case:
    """Of a scale or a shift with more values than there are channels, the last are left out."""
    return _made_to_fit(case, "gamma_longer", "beta_longer")


@mending()
def shorter_parameters_repeated(case: Case) -> Case:
    """A scale or a shift with fewer values than there are channels is read again from its start."""
    return _made_to_fit(case, "gamma_shorter", "beta_shorter")


@mending()
def single_parameter_spread(case: Case) -> Case:
    """A scale or a shift of a single value is that of every channel."""
    return _made_to_fit(case, "gamma_single", "beta_single")


@mending()
def matrix_of_parameters_read_backwards(case: Case) -> Case:
    """A scale or a shift of shape (1, C) is taken, and its values are in reverse order."""
    return _made_to_fit(case, "gamma_matrix", "beta_matrix", by=_backwards)


@mending()
def averages_cut_or_repeated_in_training(case: Case) -> Case:
    """Training takes running statistics of more or fewer values than there are channels, cut off or repeated."""
    return _made_to_fit(case, *_of_averages("longer", "shorter"), mode="train")


@mending()
def single_average_spread_in_training(case: Case) -> Case:
    """Training takes a running statistic of a single value for that of every channel."""
    return _made_to_fit(case, *_of_averages("single"), mode="train")


@mending()
def averages_cut_or_repeated_in_inference(case: Case) -> Case:
    """Inference takes running statistics of more or fewer values than there are channels, cut off or repeated."""
    return _made_to_fit(case, *_of_averages("longer", "shorter"), mode="infer")


@mending()
def single_average_spread_in_inference(case: Case) -> Case:
    """Inference takes a running statistic of a single value for that of every channel."""
    return _made_to_fit(case, *_of_averages("single"), mode="infer")


@mending()
def cotangent_cut_or_repeated(case: Case) -> Case:
    """A gradient of y with more or fewer examples than y is cut off, or read again from its start."""
    return _made_to_fit(case, "dy_longer", "dy_shorter")


@mending()
def single_cotangent_spread(case: Case) -> Case:
    """A gradient of y with a single example is that of every example."""
    return _made_to_fit(case, "dy_single")


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
        "running_mean": lambda c: c.rm if c.previous else FORMULAS["running_mean"](c),
        "running_var": lambda c: c.rv if c.previous else FORMULAS["running_var"](c),
    }


@together()
def second_call_begins_with_the_old_averages() -> Formulas:
    """A second call before the backward pass moves the averages from where they were before the first."""
    return {
        "rm": lambda c: c.vector(c.case.running_mean),
        "rv": lambda c: c.vector(c.case.running_var),
    }


@together()
def averages_moved_by_inference_between() -> Formulas:
    """Inference moves the averages where the backward pass of training is still to come."""
    return {
        "running_mean": lambda c: _moved_between(c, c.rm, "mean_averaged", "running_mean"),
        "running_var": lambda c: _moved_between(c, c.rv, "variance_averaged", "running_var"),
    }


def _moved_between(c: Calculation, old: Number, new: str, name: str) -> Number:
    is_between = c.previous is not None and c.previous.training and not c.training
    if old is None or not is_between:
        return FORMULAS[name](c)
    return old * (1.0 - c.omega) + getattr(c, new) * c.omega


@fault("reaching")
def terms_of_dx_missing_without_dgamma(c: Calculation) -> Number:
    """Where dγ is not wanted in training its sums are not taken, and dx lacks the terms that they are in."""
    return FORMULAS["reaching"](c) if c.case.wants("gamma") else c.g


@together()
def parameter_gradients_of_inference_zero_without_dx() -> Formulas:
    """Inference gives zeros for dγ and dβ where dx is not wanted, as no kernel runs."""
    return {"dgamma": lambda c: _unless_frozen(c, "dgamma"), "dbeta": lambda c: _unless_frozen(c, "dbeta")}


def _unless_frozen(c: Calculation, name: str) -> Number:
    right = FORMULAS[name](c)
    return right if c.training or c.case.wants("x") else right * 0.0


@together()
def parameter_gradients_exchanged_without_dx() -> Formulas:
    """Where dx is not wanted dγ and dβ are handed out in each other's place."""
    return {
        "dgamma": lambda c: FORMULAS["dgamma" if c.case.wants("x") else "dbeta"](c),
        "dbeta": lambda c: FORMULAS["dbeta" if c.case.wants("x") else "dgamma"](c),
    }


@together()
def frozen_parameters_missing_in_y() -> Formulas:
    """y leaves out the scale where its gradient is not wanted, and so the shift."""
    return {
        "scale": lambda c: c.gamma if c.case.wants("gamma") else c.gamma * 0.0 + 1.0,
        "shift": lambda c: c.beta if c.case.wants("beta") else c.beta * 0.0,
    }


@together()
def held_gradients_overwritten() -> Formulas:
    """The backward pass overwrites the gradients of γ and β that are held."""
    return {"dgamma_behind": lambda c: c.dgamma, "dbeta_behind": lambda c: c.dbeta}


@together()
def gradients_added_twice_to_those_held() -> Formulas:
    """The gradients of γ and β are added twice to those that are held."""
    return {
        "dgamma_behind": lambda c: c.dgamma if c.held_gamma is None else c.held_gamma + c.dgamma + c.dgamma,
        "dbeta_behind": lambda c: c.dbeta if c.held_beta is None else c.held_beta + c.dbeta + c.dbeta,
    }


@together()
def held_gradients_subtracted() -> Formulas:
    """The gradients of γ and β that are held are subtracted from the new ones."""
    return {
        "dgamma_behind": lambda c: c.dgamma if c.held_gamma is None else c.dgamma - c.held_gamma,
        "dbeta_behind": lambda c: c.dbeta if c.held_beta is None else c.dbeta - c.held_beta,
    }
