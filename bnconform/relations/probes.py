"""Cases made to show one property of an implementation's arithmetic; of the case that they are made from they keep the
dtype, ε and a seed.

Rules: a probe's rows stand in no random order, so that the bounds for any order hold; momentum 1 and no past make the
running averages show the statistics of the batch.
"""

from __future__ import annotations

import zlib
from dataclasses import replace

import numpy as np

from bnconform.contract.case import Case
from bnconform.contract.dtypes import WIDE
from bnconform.contract.memo import once
from bnconform.engine.agreement import Agreement, not_asked
from bnconform.engine.spec import Subject
from bnconform.relations import refusals

ROWS, CHANNELS = 16, 64
OFFSETS = (1.0, 10.0, 1e2, 1e3, 1e4)
"""Means of the channels of `far_from_zero`, in standard deviations."""


def _probe(case: Case, x: np.ndarray) -> Case:
    nothing = np.zeros(x.shape[1], case.x.dtype)
    return Case(
        mode="train",
        x=x.astype(case.x.dtype),
        gamma=None,
        beta=None,
        running_mean=nothing,
        running_var=nothing,
        eps=case.eps,
        momentum=1.0,
    )


@once
def far_from_zero(case: Case) -> Case:
    """Returns 16 values in each of 64 channels, whose means are 1 to 1e4 standard deviations away from zero."""
    rng = np.random.default_rng(zlib.crc32(case.x.tobytes()))
    offsets = np.resize(OFFSETS, CHANNELS) * rng.choice((-1.0, 1.0), CHANNELS)
    spread = 2.0 ** rng.integers(-3, 4, CHANNELS)
    return _probe(case, spread * (rng.standard_normal((ROWS, CHANNELS)) + offsets))


@once
def inference_far_from_zero(case: Case) -> Case:
    """Returns the case of `far_from_zero` in inference by running statistics near those of its batch."""
    probe = far_from_zero(case)
    values = probe.x.astype(np.float64)
    statistics = {"running_mean": values.mean(0), "running_var": values.var(0)}
    kept = {name: array.astype(case.x.dtype) for name, array in statistics.items()}
    return replace(probe, mode="infer", momentum=case.momentum, **kept)


@once
def near_one(case: Case) -> Case:
    """Returns 64 values in each of 16 channels, half of them 1 and half 1 + 2⁻⁷: sums that no 16-bit type holds."""
    rng = np.random.default_rng(zlib.crc32(case.x.tobytes()))
    half = np.repeat([0.0, 2.0**-7], CHANNELS // 2)[:, None]
    return _probe(case, 1 + rng.permuted(np.repeat(half, ROWS, axis=1), axis=0))


def sums_of_narrow_input(bn: Subject, case: Case) -> Agreement:
    """Compares the running mean of values near 1, where wider sums than the input's type are declared."""
    quantity = "running mean of values near 1"
    if bn.dialect.stats_dtype not in WIDE:
        return not_asked("no wider type than that of the input is declared for the sums", quantity=quantity)
    return replace(bn.agrees(refusals.taken(bn, near_one(case)), "running_mean", quantity=quantity), output="")
