"""Faults of folding: the layer that does the work of a normalization too has another weight or another bias."""

from __future__ import annotations

import numpy as np

from bnconform.analysis.faults.calculation import Calculation, Number
from bnconform.analysis.faults.fault import Formulas, fault, together
from bnconform.contract.axes import from_layer, outputs_first, to_rows
from bnconform.contract.case import Case

DEFAULT = 1e-5


@fault("r_folded")
def epsilon_forgotten_in_folding(c: Calculation) -> Number:
    """Folding divides by the root of the running variance alone."""
    return 1.0 / c.sqrt(c.rv)


@fault("r_folded")
def epsilon_outside_the_root_in_folding(c: Calculation) -> Number:
    """Folding adds ε to the root of the running variance."""
    return 1.0 / (c.sqrt(c.rv) + c.epsilon)


@fault("r_folded")
def default_epsilon_in_folding(c: Calculation) -> Number:
    """Folding takes 1e-5 for ε, whatever it is."""
    return 1.0 / c.sqrt(c.rv + DEFAULT)


@fault("r_folded")
def variance_taken_for_the_deviation_in_folding(c: Calculation) -> Number:
    """Folding divides by the running variance, not by its root."""
    return 1.0 / (c.rv + c.epsilon)


@fault("gamma_folded")
def scale_forgotten_in_folding(c: Calculation) -> Number:
    """Folding leaves γ out."""
    return c.gamma * 0.0 + 1.0


@fault("beta_folded")
def shift_forgotten_in_folding(c: Calculation) -> Number:
    """Folding leaves β out."""
    return c.beta * 0.0


@fault("mean_folded")
def mean_forgotten_in_folding(c: Calculation) -> Number:
    """Folding does not subtract the running mean from the bias."""
    return c.rm * 0.0


@fault("mean_folded")
def mean_added_in_folding(c: Calculation) -> Number:
    """Folding adds the running mean to the bias."""
    return 0.0 - c.rm


@fault("slope_of_weight")
def weight_not_scaled(c: Calculation) -> Number:
    """Folding leaves the weight of the layer as it is."""
    return c.gamma * 0.0 + 1.0


@fault("folded_bias")
def layer_bias_not_scaled(c: Calculation) -> Number:
    """Folding adds the bias of the layer unscaled."""
    return c.b_layer + (c.beta_folded - c.mean_folded * c.slope_of_bias)


@fault("folded_bias")
def layer_bias_lost(c: Calculation) -> Number:
    """Folding leaves out the bias of the layer."""
    return c.beta_folded - c.mean_folded * c.slope_of_bias


@fault("folded_bias")
def layer_bias_kept(c: Calculation) -> Number:
    """Folding leaves the bias of the layer as it is."""
    return c.b_layer


@together()
def folded_twice() -> Formulas:
    """Folding scales weight and bias twice."""
    return {
        "slope_of_weight": lambda c: c.gamma_folded * c.r_folded * (c.gamma_folded * c.r_folded),
        "slope_of_bias": lambda c: c.gamma_folded * c.r_folded * (c.gamma_folded * c.r_folded),
    }


def _by(c: Calculation, channel: np.ndarray) -> Number:
    """Returns the factor a of the channel whose number stands at each place of a weight."""
    number = to_rows(channel, c.case.axis)
    gamma = np.ones(c.channels) if c.case.gamma is None else c.case.gamma
    variance = c.vector(c.case.running_var[number])  # type: ignore[index]  # a layer comes with running statistics
    return c.vector(gamma[number]) / c.sqrt(variance + c.epsilon)


def _numbered(case: Case, axis: int) -> np.ndarray:
    """Returns the index along an axis of a torch or ONNX weight at each of its places, in the shape of the case's."""
    groups = case.groups or 1
    first = outputs_first(case)
    outputs, inputs, kernel = len(first), first.shape[1], first.shape[2:]
    shape = (inputs * groups, outputs // groups, *kernel) if case.layer == "transposed" else first.shape
    return from_layer(np.indices(shape)[axis], case)


@fault("slope_of_weight")
def weight_scaled_along_the_other_axis(c: Calculation) -> Number:
    """Folding scales the inputs of the weight in place of its outputs, where there are as many."""
    number = _numbered(c.case, 0 if c.case.layer == "transposed" else 1)
    as_many = number.max() + 1 == c.channels and (c.case.groups or 1) < c.channels
    return _by(c, number) if as_many else c.gamma_folded * c.r_folded


@fault("slope_of_weight")
def groups_forgotten_in_folding(c: Calculation) -> Number:
    """Folding scales the outputs of each group as those of the first, in a transposed convolution."""
    if c.case.layer != "transposed":
        return c.gamma_folded * c.r_folded
    return _by(c, _numbered(c.case, 1))
