"""Moments of outputs over a channel: what γ and β make of them, and the bound of an average.

Rules: the error of an average of values is at most the average of their errors; of squares, (z + e)² - z² = e(2z + e).
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from bnconform.contract.case import Case
from bnconform.engine.agreement import Agreement, agree
from bnconform.engine.spec import Subject
from bnconform.oracle import bounds, reference
from bnconform.oracle.bounds import Bound
from bnconform.oracle.reference.reductions import Array
from bnconform.relations import exact, followups
from bnconform.relations.comparisons import per_channel, scale, shift


def mean_of_output(bn: Subject, case: Case) -> Agreement:
    """Compares the mean of y with β."""
    y = bn(case).y
    actual = None if y is None else exact.mean(y, case.axis)
    return agree(
        actual, shift(case), within=mean_of(bounds.y(case, bn.dialect), case), output="y", quantity="mean of y"
    )


def normalized(bn: Subject, case: Case) -> list[Agreement]:
    """Compares the moments of the normalized values with 0 and σ²/(σ² + ε)."""
    plain = followups.unscaled(case)
    size = np.abs(reference.normalized(plain))
    found = _moments(bn, plain, size, np.ones(case.channels), of="the normalized values", output="")
    return [replace(one, involves=("y",)) for one in found]


def about_the_shift(bn: Subject, case: Case) -> list[Agreement]:
    """Compares the mean of y with β, and the mean of (y - β)² with γ²σ²/(σ² + ε)."""
    gamma, beta = scale(case), shift(case)
    size = np.abs(per_channel(case, gamma) * reference.normalized(case))
    return _moments(bn, case, size, gamma * gamma + beta * beta, of="y")


def while_the_input_drifts(bn: Subject, case: Case) -> list[Agreement]:
    """Compares the moments of y of a shifted and stretched input with β and γ²σ²/(σ² + ε)."""
    drifted, gamma = followups.drifted(case), scale(case)
    size = np.abs(reference.y(drifted) - per_channel(case, shift(case)))
    u = bounds.y(drifted, bn.dialect).u
    return _moments(bn, drifted, size, gamma * gamma, of="y of the drifted input", u=u)


def _moments(
    bn: Subject, case: Case, size: Array, square_scale: Array, *, of: str, output: str = "y", u: float = 0.0
) -> list[Agreement]:
    """Compares mean and variance about β. size: magnitudes of y - β. square_scale: the natural size of the variance."""
    y, bound, beta = bn(case).y, bounds.y(case, bn.dialect), shift(case)
    mean = agree(
        None if y is None else exact.mean(y, case.axis),
        beta,
        within=mean_of(bound, case, u),
        output=output,
        quantity=f"mean of {of}",
    )
    square = agree(
        None if y is None else exact.mean_square(y, case.axis, about=beta),
        exact.share_of_variance(case, scale(case)),
        within=square_of(bound, size, square_scale, case, u),
        output=output,
        quantity=f"variance of {of}",
    )
    return [replace(mean, aspect="mean"), replace(square, aspect="variance")]


def mean_of(bound: Bound, case: Case, u: float = 0.0) -> Bound:
    """Returns the bound of the mean over each channel."""
    others = axes_but_the_channels(case)
    return Bound(bound.allowance.mean(axis=others), bound.scale.mean(axis=others), u)


def square_of(bound: Bound, size: Array, square_scale: Array, case: Case, u: float = 0.0) -> Bound:
    """Returns the bound of the mean square over each channel, of values of that size."""
    error = bound.allowance
    return Bound((error * (2 * size + error)).mean(axis=axes_but_the_channels(case)), square_scale, u)


def axes_but_the_channels(case: Case) -> tuple[int, ...]:
    """Returns the axes of x over which a channel's values lie."""
    return tuple(axis for axis in range(case.x.ndim) if axis != case.axis % case.x.ndim)
