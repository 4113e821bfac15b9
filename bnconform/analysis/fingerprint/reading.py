"""The mean and the variance of a batch as read off an implementation: kept, returned, or solved for in y.

Rules: a running average of weight 1 shows them best, then returned statistics; else they are solved for in y = (x -
μ)·r, up to the rounding of y. Each reading comes with the error that its way adds.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from bnconform.analysis.fingerprint.bench import Bench, NoAnswer
from bnconform.analysis.fingerprint.inferred import ROUNDINGS
from bnconform.analysis.fingerprint.probes.formulas import INSIDE, NEW, OLD
from bnconform.contract.dtypes import dtype_name, dtype_named
from bnconform.contract.outcome import Outcome
from bnconform.oracle.bounds.formats import arithmetic

EPS = 2.0**-10


@dataclass(frozen=True)
class Statistics:
    """Mean and biased variance of each channel, how they were read, and the type that they were rounded to.

    mean_error, variance_error: what reading alone may cost.
    """

    mean: np.ndarray
    variance: np.ndarray
    how: str
    kind: str
    mean_error: np.ndarray
    variance_error: np.ndarray


def _rounded(mean: np.ndarray, variance: np.ndarray, how: str, kind: str, roundings: float) -> Statistics:
    error = roundings * arithmetic(kind).u
    return Statistics(mean, variance, how, kind, error * np.abs(mean), error * np.abs(variance))


def read(bench: Bench, rows: np.ndarray, eps: float = EPS) -> Statistics:
    """Returns the statistics of a batch by the best way that there is; raises NoAnswer where there is none."""
    return _averaged(bench, rows, eps) or _returned(bench, rows, eps) or solved(bench, rows, eps)


def _averaged(bench: Bench, rows: np.ndarray, eps: float) -> Statistics | None:
    weight = {NEW: 1.0, OLD: 0.0}.get(bench.value("momentum") or "")
    correction = {"biased": 1.0, "unbiased": (len(rows) - 1) / len(rows)}.get(bench.value("running variance") or "")
    if weight is None or correction is None:
        return None  # what it keeps is explained by no known formula
    case = bench.pose(rows, eps=eps, momentum=weight)
    mean, variance = bench.array(case, "running_mean"), bench.array(case, "running_var")
    kind = bench.kind(case, "running_var")
    # 3: m/(m - 1) and its product; 4 of the average, one of which is the rounding of the result.
    return _rounded(mean, variance * correction, "running averages", kind, 7)


def _returned(bench: Bench, rows: np.ndarray, eps: float) -> Statistics | None:
    zeros = np.zeros(rows.shape[1], dtype_named(bench.dtype))
    plain = bench.pose(rows, eps=eps, dy=np.zeros(rows.shape))
    found = bench.reply(replace(plain, running_mean=None, running_var=None, dmean=zeros, dvar=zeros))
    if not isinstance(found, Outcome) or found.batch_mean is None or found.batch_var is None:
        return None
    kind = dtype_name(found.batch_var.dtype)
    mean, variance = found.batch_mean.astype(np.float64), found.batch_var.astype(np.float64)
    return _rounded(mean, variance, "returned statistics", kind, 1)


def solved(bench: Bench, rows: np.ndarray, eps: float = EPS) -> Statistics:
    """Returns the statistics that solve y = (x - μ)·r: r by the two values furthest apart, μ by the nearest one."""
    y, every = bench.array(bench.pose(rows, eps=eps), "y"), np.arange(rows.shape[1])
    if bench.value("ε in training") != INSIDE:
        raise NoAnswer("y is not explained by the known formula")
    factor = (len(rows) - 1) / len(rows) if bench.value("variance in y") == "unbiased" else 1.0
    top, bottom, near = rows.argmax(axis=0), rows.argmin(axis=0), np.abs(y).argmin(axis=0)
    error = 2 * ROUNDINGS * bench.facts.u  # the roundings of y, and as many of r
    with np.errstate(all="ignore"):
        root = (y[top, every] - y[bottom, every]) / (rows[top, every] - rows[bottom, every])
        away = y[near, every] / root
        return Statistics(
            mean=rows[near, every] - away,
            variance=(root**-2.0 - eps) * factor,
            how="y",
            kind=bench.dtype,
            mean_error=error * np.abs(away) + np.abs(bench.facts.subnormal / root),
            variance_error=2 * error * root**-2.0,
        )
