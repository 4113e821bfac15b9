"""Inference as a linear map of each channel, y = a·x + (β - a·E[x]) with a = γ/√(Var[x] + ε), and its consequences.

Rules: double-double throughout and one rounding at the end, admitted by every bound on y (see `exact`); the
statistics are a case's own inputs, hence exact.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from bnconform.contract.axes import along
from bnconform.contract.case import Case
from bnconform.engine.agreement import Agreement, agree, not_asked
from bnconform.engine.spec import Subject
from bnconform.oracle import bounds
from bnconform.oracle.reference.doubledouble import DoubleDouble, as_doubledouble
from bnconform.oracle.reference.equations import rounded
from bnconform.oracle.reference.quantities import solution
from bnconform.oracle.reference.reductions import Array
from bnconform.relations import chains

WEIGHT, BIAS = -1.5, 0.625
"""Weight and bias of the layer before, both exact in every dtype."""


def above(case: Case, intercept: np.ndarray) -> Array:
    """Returns a·x + intercept, of x's shape."""
    with np.errstate(all="ignore"):
        return rounded(_per_channel(case, _slope(case)) * _wide(case.x) + _wide(intercept))


def behind_a_layer(case: Case) -> tuple[Case, Array]:
    """Returns the case with w·x + b, rounded, in place of x, and how far that rounding takes the exact output: a times
    itself."""
    with np.errstate(all="ignore"):
        exact = DoubleDouble(_wide(case.x)) * WEIGHT + BIAS
        layered = replace(case, x=rounded(exact).astype(case.x.dtype), dy=None)
        drift = _per_channel(case, _slope(case)) * (exact - _wide(layered.x))
        return layered, np.abs(rounded(drift))


def folded_layer(case: Case) -> Array:
    """Returns (a·w)·x + (a·b + β - a·E[x]): one layer in place of two."""
    with np.errstate(all="ignore"):
        slope, own = _slope(case), solution(case)
        bias = slope * BIAS + own.beta - slope * own.need("running_mean")
        return rounded(_per_channel(case, slope * WEIGHT) * _wide(case.x) + _per_channel(case, bias))


def renormalized(case: Case, inferring: Case, trained: np.ndarray) -> tuple[Array, Array]:
    """Returns r·(y - β) + γ·d + β, training's y carried over to inference, and r, the stretch of y's error.

    σ_B² and μ_B are those of the case's batch, σ² and μ the running statistics of `inferring`; ε counts in both.
    """
    with np.errstate(all="ignore"):
        batch, own = solution(case).batch, solution(inferring)
        sigma = _root(own.need("running_var"), case)
        r = _root(batch.variance, case) / sigma
        d = (as_doubledouble(batch.mean) - own.need("running_mean")) / sigma
        beta, shift = _per_channel(case, DoubleDouble(own.beta)), _per_channel(case, d * own.gamma + own.beta)
        y = _per_channel(case, r) * (DoubleDouble(_wide(trained)) - beta) + shift
        return rounded(y), rounded(_per_channel(case, r))


def _slope(case: Case) -> DoubleDouble:
    own = solution(case)
    return DoubleDouble(own.gamma) / _root(own.need("running_var"), case)


def _root(variance: DoubleDouble | Array, case: Case) -> DoubleDouble:
    return (as_doubledouble(variance) + float(case.eps)).sqrt()


def _per_channel(case: Case, vector: DoubleDouble) -> DoubleDouble:
    high, low = np.broadcast_arrays(vector.high, vector.low)
    return DoubleDouble(along(high, case.x.ndim, case.axis), along(low, case.x.ndim, case.axis))


def _wide(tensor: np.ndarray) -> Array:
    return tensor.astype(np.float64)


def drifted(bn: Subject, case: Case) -> Agreement:
    """Compares y of inference after a training step with y of the step, scaled by r and shifted by d."""
    after, trained = chains.inference_after_a_step(bn, case), bn(case).y
    if after is None or trained is None:
        return not_asked("y or the running statistics are not offered", quantity="y")
    expected, stretch = renormalized(case, after, trained)
    within = bounds.y(after, bn.dialect) + stretch * bounds.y(case, bn.dialect).allowance
    return agree(bn(after).y, expected, within=within, output="y", quantity="y against the y of training")
