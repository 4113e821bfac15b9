"""One step of an optimizer from given gradients, and how far an error of the gradients can carry it.

Rules: steps are computed in double-double and rounded once; the averages of earlier steps are given and exact, since a
first step of RMSProp or Adam divides the gradient by its own magnitude and cannot tell a wrong scale.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from bnconform.contract.case import Case
from bnconform.engine.agreement import Agreement, agree
from bnconform.engine.spec import Subject
from bnconform.oracle.bounds import Bound
from bnconform.oracle.expected import expected
from bnconform.oracle.reference.doubledouble import DoubleDouble
from bnconform.oracle.reference.equations import rounded
from bnconform.oracle.reference.reductions import Array

RATE, DECAY, FLOOR = 0.01, 0.9, 1e-8
"""Learning rate, decay of RMSProp's average and Adam's first, and what is added to the root: everyone's defaults."""
SLOW_DECAY, STEPS = 0.999, 10
"""Decay of Adam's second average, and the number of the step that is taken."""
ROUNDING = 2.0**-53
SLACK = 1 + 2.0**-48
"""Covers the roundings of the bound's own float64 formulas: fewer than 32 of 2^-53 each."""


@dataclass(frozen=True)
class Past:
    """The averages that earlier steps left, of the gradient and of its square, of shape (C,)."""

    mean: Array
    square: Array


@dataclass(frozen=True, kw_only=True)
class Optimizer:
    """The step -η·n/d from a gradient g: n = new·g + old·mean, d = √(new_square·g² + old_square·square) + floor.

    The corrections of Adam for its start at zero are part of the factors.
    """

    new: float
    old: float
    new_square: float
    old_square: float
    floor: float


GRADIENT_DESCENT = Optimizer(new=1.0, old=0.0, new_square=0.0, old_square=0.0, floor=1.0)
RMSPROP = Optimizer(new=1.0, old=0.0, new_square=1 - DECAY, old_square=DECAY, floor=FLOOR)
ADAM = Optimizer(
    new=(1 - DECAY) / (1 - DECAY**STEPS),
    old=DECAY / (1 - DECAY**STEPS),
    new_square=(1 - SLOW_DECAY) / (1 - SLOW_DECAY**STEPS),
    old_square=SLOW_DECAY / (1 - SLOW_DECAY**STEPS),
    floor=FLOOR,
)


def step(optimizer: Optimizer, gradient: np.ndarray, past: Past) -> Array:
    """Returns the optimizer's change of a parameter."""
    with np.errstate(all="ignore"):
        g = DoubleDouble(gradient.astype(np.float64))
        numerator = g * optimizer.new
        if optimizer.old:
            numerator = numerator + DoubleDouble(past.mean) * optimizer.old
        if not optimizer.new_square:
            return rounded(numerator * -RATE / optimizer.floor)
        square = g * g * optimizer.new_square + DoubleDouble(past.square) * optimizer.old_square
        return rounded(numerator * -RATE / (square.sqrt() + optimizer.floor))


def past_of(bound: Bound) -> Past:
    """Returns averages of the size of the terms that the gradient is the sum of: they do not drown it."""
    return Past(0.5 * bound.scale, bound.scale * bound.scale)


def carried(optimizer: Optimizer, gradient: Array, bound: Bound, past: Past) -> Bound:
    """Bounds the step from a gradient g' that is off by the bound's allowance T at most.

    n'/d' - n/d = ((n' - n)·d - n·(d' - d))/(d·d') with |n' - n| ≤ new·T. The difference of two roots is that of the
    squares over the sum of the roots: with |g'| ≤ |g| + T it is D = new_square·T(2|g| + T)/(root' + root) at most, the
    smaller root' being the one for |g'| = max(|g| - T, 0), and d' is smallest there too. Nothing here cancels but n;
    its rounding comes times D/d and stays below SLACK, so float64 does. Both steps are rounded to float64 once.
    """
    with np.errstate(all="ignore"):
        known, size = np.isfinite(bound.allowance), np.abs(gradient)
        error = np.where(known, bound.allowance, 0.0)
        smallest = np.maximum(size - error, 0.0)
        numerator = np.abs(optimizer.new * gradient + optimizer.old * past.mean)
        before = optimizer.old_square * past.square
        root = np.sqrt(optimizer.new_square * size * size + before)
        least = np.sqrt(optimizer.new_square * smallest * smallest + before)
        change = optimizer.new_square * error * (2 * size + error)
        difference = np.where(change > 0, change / (root + least), 0.0)
        denominator = root + optimizer.floor
        moved = RATE * (optimizer.new * error * denominator + numerator * difference)
        moved = moved / (denominator * (least + optimizer.floor))
        allowance = moved + ROUNDING * (2 * RATE * numerator / denominator + moved)
        terms = optimizer.new * bound.scale + optimizer.old * np.abs(past.mean)
        return Bound(np.where(known, allowance * SLACK, np.inf), RATE * terms / denominator, bound.u)


def steps(bn: Subject, case: Case, optimizer: Optimizer) -> list[Agreement]:
    """Compares the steps of γ and β from the implementation's gradients with those from the exact gradients."""
    found, agreements = bn(case), []
    for name in ("gamma", "beta"):
        actual, (right, bound) = getattr(found, f"d{name}"), expected(case, bn.dialect, f"d{name}")
        past = past_of(bound)
        agreements.append(
            agree(
                None if actual is None else step(optimizer, actual, past),
                step(optimizer, right, past),
                within=carried(optimizer, right, bound, past),
                involves=(f"d{name}",),
                quantity=f"step of {name}",
            )
        )
    return agreements
