"""One step of an optimizer from given gradients, and how far an error of the gradients can carry it.

Rules: double-double throughout; what earlier steps left behind is given and exact, since a first step of RMSProp or
Adam divides the gradient by its own magnitude and cannot tell a wrong scale. The step is -η·n(g)/d(g) with n and d
affine and monotone in g and |g|, so that the ends of an interval of gradients bound everything in between.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from bnconform.bounds import Bound
from bnconform.columns import Array
from bnconform.doubledouble import DoubleDouble
from bnconform.equations import rounded

RATE, DECAY, FLOOR = 0.01, 0.9, 1e-8
"""Learning rate, decay of RMSProp's average and Adam's first, and what is added to the root: everyone's defaults."""
SLOW_DECAY, STEPS = 0.999, 10
"""Decay of Adam's second average, and the number of the step that is taken."""
ROUNDING = 2.0**-53


@dataclass(frozen=True)
class Past:
    """What earlier steps left: averages of the gradient and of its square, of shape (C,)."""

    mean: Array
    square: Array


Part = Callable[[DoubleDouble, Past], DoubleDouble]


@dataclass(frozen=True)
class Optimizer:
    """The step -η·numerator/denominator; the denominator depends on the gradient's magnitude only, and grows with it.

    weight: the factor of the gradient in the numerator.
    """

    weight: float
    numerator: Part
    denominator: Part


def _gradient(g: DoubleDouble, past: Past) -> DoubleDouble:
    return g


def _one(g: DoubleDouble, past: Past) -> DoubleDouble:
    return DoubleDouble(np.ones_like(g.high))


def _root_of_squares(g: DoubleDouble, past: Past) -> DoubleDouble:
    return (g * g * (1 - DECAY) + DoubleDouble(past.square) * DECAY).sqrt() + FLOOR


def _corrected_mean(g: DoubleDouble, past: Past) -> DoubleDouble:
    return (g * (1 - DECAY) + DoubleDouble(past.mean) * DECAY) / (1 - DECAY**STEPS)


def _corrected_root(g: DoubleDouble, past: Past) -> DoubleDouble:
    square = g * g * (1 - SLOW_DECAY) + DoubleDouble(past.square) * SLOW_DECAY
    return (square / (1 - SLOW_DECAY**STEPS)).sqrt() + FLOOR


GRADIENT_DESCENT = Optimizer(1.0, _gradient, _one)
RMSPROP = Optimizer(1.0, _gradient, _root_of_squares)
ADAM = Optimizer((1 - DECAY) / (1 - DECAY**STEPS), _corrected_mean, _corrected_root)


def step(optimizer: Optimizer, gradient: np.ndarray, past: Past) -> Array:
    """Returns what the optimizer adds to a parameter."""
    with np.errstate(all="ignore"):
        return rounded(_step(optimizer, DoubleDouble(gradient.astype(np.float64)), past))


def past_of(bound: Bound) -> Past:
    """Returns averages of the size of the terms that the gradient is the sum of: they do not drown it."""
    return Past(0.5 * bound.scale, bound.scale * bound.scale)


def carried(optimizer: Optimizer, gradient: Array, bound: Bound, past: Past) -> Bound:
    """Bounds the step from a gradient that is off by the bound's allowance T at most.

    n(g') lies within weight·T of n(g), and d(g') between d at the least and at the largest magnitude in [g - T, g + T].
    A quotient with a positive denominator is monotone in both, so it is largest and smallest at the corners. Both steps
    are rounded to float64 once.
    """
    with np.errstate(all="ignore"):
        known = np.isfinite(bound.allowance)
        error = np.where(known, bound.allowance, 0.0)
        g, size = DoubleDouble(gradient), np.abs(gradient)
        exact, numerator = _step(optimizer, g, past), optimizer.numerator(g, past)
        smallest, largest = DoubleDouble(np.maximum(size - error, 0.0)), DoubleDouble(size) + error
        corners = [
            np.abs(
                rounded((numerator + sign * optimizer.weight * error) * -RATE / optimizer.denominator(at, past) - exact)
            )
            for sign in (-1.0, 1.0)
            for at in (smallest, largest)
        ]
        moved: Array = np.maximum.reduce(corners)
        allowance = moved + ROUNDING * (2 * np.abs(rounded(exact)) + moved)
        terms = optimizer.weight * bound.scale + np.abs(rounded(numerator) - optimizer.weight * gradient)
        scale = RATE * terms / rounded(optimizer.denominator(g, past))
        return Bound(np.where(known, allowance, np.inf), scale, bound.u)


def _step(optimizer: Optimizer, g: DoubleDouble, past: Past) -> DoubleDouble:
    return optimizer.numerator(g, past) * -RATE / optimizer.denominator(g, past)
