"""Faults of scale and shift."""

import numpy as np

from bnconform.analysis.faults.calculation import Calculation, Number
from bnconform.analysis.faults.fault import Formulas, fault, together


@fault("scale")
def one_added_to_the_scale(c: Calculation) -> Number:
    """The scale is γ + 1."""
    return c.gamma + 1.0


@fault("scale")
def scale_missing(c: Calculation) -> Number:
    """γ is left out."""
    return c.gamma * 0.0 + 1.0


@fault("scale")
def scale_without_its_sign(c: Calculation) -> Number:
    """The scale is |γ|."""
    return c.numbers.choose(c.plain(c.gamma) >= 0, c.gamma, c.gamma * -1.0)


@fault("scale")
def scale_squared(c: Calculation) -> Number:
    """The scale is γ²."""
    return c.gamma * c.gamma


@fault("scale")
def scale_of_the_next_channel(c: Calculation) -> Number:
    """Each channel has the scale of its neighbour."""
    return c.vector(np.roll(c.plain(c.gamma), 1))


@fault("shift")
def shift_missing(c: Calculation) -> Number:
    """β is left out."""
    return c.beta * 0.0


@fault("shift")
def shift_of_the_next_channel(c: Calculation) -> Number:
    """Each channel has the shift of its neighbour."""
    return c.vector(np.roll(c.plain(c.beta), 1))


@fault("shift")
def shift_subtracted(c: Calculation) -> Number:
    """β is subtracted."""
    return c.beta * -1.0


@fault("y")
def shift_before_scale(c: Calculation) -> Number:
    """β is added before γ multiplies: γ(h + β)."""
    return (c.h + c.shift) * c.scale


@fault("y")
def scale_and_shift_exchanged(c: Calculation) -> Number:
    """γ and β change places."""
    return c.h * c.shift + c.scale


@fault("scale")
def scale_missing_in_inference(c: Calculation) -> Number:
    """Inference leaves γ out."""
    return c.gamma if c.training else c.gamma * 0.0 + 1.0


@fault("shift")
def shift_missing_in_inference(c: Calculation) -> Number:
    """Inference leaves β out."""
    return c.beta if c.training else c.beta * 0.0


@together()
def scale_and_shift_missing() -> Formulas:
    """γ and β are left out."""
    return {**scale_missing.formulas, **shift_missing.formulas}


@together()
def scale_and_shift_missing_in_inference() -> Formulas:
    """Inference leaves γ and β out."""
    return {**scale_missing_in_inference.formulas, **shift_missing_in_inference.formulas}


@together()
def scale_and_shift_of_the_next_channel() -> Formulas:
    """Each channel has scale and shift of its neighbour."""
    return {**scale_of_the_next_channel.formulas, **shift_of_the_next_channel.formulas}
