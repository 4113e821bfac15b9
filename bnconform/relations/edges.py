"""Cases at the edge of the settings and of the dtypes' ranges.

Rules: each variant is made once per case, and carries no cotangent but where its gradients matter; magnitudes move by
powers of two, without rounding inside the dtype's range.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import ml_dtypes
import numpy as np

from bnconform.contract.axes import along, from_rows, to_rows
from bnconform.contract.case import PER_CHANNEL, Case
from bnconform.oracle import reference
from bnconform.relations.followups import followup

SHRINKING = {"float16": -2, "bfloat16": -45, "float32": -45, "float64": -480}
"""Exponents by which x can shrink, and ε with its square, before a variance leaves the normal numbers."""


@followup
def without_epsilon(case: Case) -> Case:
    """Returns the case with ε = 0."""
    return replace(case, eps=0.0, dy=None)


@followup
def with_negative_epsilon(case: Case) -> Case:
    """Returns the case with ε minus half the median of the channels' variances, rounded to a power of two.

    So it is exact in every type that holds it, and reverses the sign of v + ε in some of the channels only.
    """
    middle = float(np.median(reference.batch_var(case))) if case.channels else 1.0
    exponent = np.floor(np.log2(middle / 2)) if middle > 0 else -10.0
    return replace(case, eps=-float(np.exp2(exponent)), dy=None)


@followup
def with_negative_variances(case: Case) -> Case:
    """Returns the case with running variances of -ε/2, where v + ε > 0, and of -2ε, in turn, in two channels of three.

    Every third channel stays as it was. The running variances are rounded to their type, ε is as it was.
    """
    if case.running_var is None:
        return case
    variance = case.running_var.astype(np.float64)
    variance[1::3], variance[2::3] = -case.eps / 2, -2.0 * case.eps
    return replace(case, running_var=variance.astype(case.running_var.dtype), dy=None)


def negative_roots(case: Case) -> np.ndarray:
    """Returns where the running variances of `with_negative_variances` and ε add up to less than zero."""
    changed = with_negative_variances(case)
    return along(np.asarray(changed.running_var).astype(np.float64) + changed.eps < 0, case.x.ndim, case.axis)


@followup
def with_zero_scales(case: Case) -> Case:
    """Returns the case with a γ of 0 in every second channel, and of 1 in the others where it had none."""
    gamma = np.ones(case.channels, case.x.dtype) if case.gamma is None else case.gamma.copy()
    gamma[1::2] = 0
    return replace(case, gamma=gamma)


@followup
def with_zero_variances(case: Case) -> Case:
    """Returns the case with running variances of 0 in every second channel."""
    if case.running_var is None:
        return case
    variance = case.running_var.copy()
    variance[1::2] = 0
    return replace(case, running_var=variance)


@followup
def with_itself_as_cotangent(case: Case) -> Case:
    """Returns the case with its x as the cotangent of y, too."""
    return replace(case, dy=case.x)


@followup
def without_channels(case: Case) -> Case:
    """Returns the case with no channels at all."""
    vectors: dict[str, Any] = {name: getattr(case, name) for name in PER_CHANNEL}
    none: dict[str, Any] = {name: None if vector is None else vector[:0] for name, vector in vectors.items()}
    return replace(case, x=np.take(case.x, [], axis=case.axis), dy=None, **none)


@followup
def kept(case: Case) -> Case:
    """Returns the case in which the new statistics weigh nothing."""
    return replace(case, momentum=0.0, dy=None)


@followup
def replaced(case: Case) -> Case:
    """Returns the case in which the new statistics weigh all."""
    return replace(case, momentum=1.0, dy=None)


@followup
def largest(case: Case) -> Case:
    """Returns the case with each channel as large as the sum of its squares allows.

    In float16 every second channel fills its type's range instead: squares that a wider type must hold.
    """
    limit, rows = _limits(case)[1], to_rows(case.x, case.axis).astype(np.float64)
    target = np.full(case.channels, np.sqrt(limit / (64.0 * max(case.rows, 1))))
    if case.dtype == "float16":
        target[1::2] = limit / 8
    return replace(case, x=_to_peak(case, rows, target), dy=None)


@followup
def subnormal(case: Case) -> Case:
    """Returns the case with each channel's largest magnitude below the normal numbers of its dtype."""
    rows = to_rows(case.x, case.axis).astype(np.float64)
    target = np.full(case.channels, _limits(case)[0] / 2)
    return replace(case, x=_to_peak(case, rows, target), dy=None)


@followup
def shrunk(case: Case) -> Case:
    """Returns the case with x as small as its squares allow, and ε as its square: (x - μ)/√(σ² + ε) stays."""
    exponent = SHRINKING[case.dtype]
    x = np.ldexp(case.x.astype(np.float64), exponent).astype(case.x.dtype)
    return replace(case, x=x, eps=float(np.ldexp(case.eps, 2 * exponent)), dy=None)


@followup
def without_examples(case: Case) -> Case:
    """Returns the case with a batch of no examples."""
    first = 1 if case.axis % case.x.ndim == 0 else 0
    return replace(case, x=np.take(case.x, [], axis=first), dy=None)


def _limits(case: Case) -> tuple[float, float]:
    """Returns the smallest normal and the largest number of x's dtype."""
    limits: Any = ml_dtypes.finfo(case.x.dtype)  # type: ignore[no-untyped-call]
    return float(limits.smallest_normal), float(limits.max)


def _to_peak(case: Case, rows: np.ndarray, target: np.ndarray) -> np.ndarray:
    peak = np.abs(rows).max(axis=0, initial=0.0)
    exponent = np.floor(np.log2(target / np.where(peak > 0, peak, 1.0))).astype(int)
    return from_rows(np.ldexp(rows, exponent).astype(case.x.dtype), case.x.shape, case.axis)
