"""Chains of training steps: each case begins with the running statistics that the step before it returned.

Rules: every step begins at the implementation's own state, so its error is bounded anew and bounds do not accumulate
over the chain; x keeps its shape; the right end of a chain is computed in double-double. A chain is run once per
subject.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from bnconform.cases.strategies import short_weight
from bnconform.contract.case import Case
from bnconform.contract.dialect import Dialect
from bnconform.contract.memo import once
from bnconform.contract.outcome import Outcome
from bnconform.engine.agreement import Agreement, not_asked
from bnconform.engine.spec import Subject
from bnconform.oracle import bounds
from bnconform.oracle.bounds import Bound
from bnconform.oracle.reference.doubledouble import DoubleDouble, as_doubledouble
from bnconform.oracle.reference.equations import rounded
from bnconform.oracle.reference.quantities import solution
from bnconform.oracle.reference.reductions import Array
from bnconform.relations.refusals import taken

FACTORS = (0.5, 1.0, 2.0)
"""Factors of x that make the batches of an average: powers of two, as every batch is to be as exact as x."""


@dataclass(frozen=True, eq=False)
class Step:
    """One training step, and the implementation's outcome."""

    case: Case
    outcome: Outcome


Steps = tuple[Step, ...]


def follow(bn: Subject, batches: Sequence[Case]) -> Steps:
    """Runs the batches one after the other, each but the first with the statistics that the one before it returned.

    The chain is empty where the implementation returns no running statistics.
    """
    steps: list[Step] = []
    for batch in batches:
        case = continued(batch, steps[-1].outcome) if steps else batch
        outcome = bn(case)
        if outcome.running_mean is None or outcome.running_var is None:
            return ()
        steps.append(Step(case, outcome))
    return tuple(steps)


def continued(case: Case, outcome: Outcome) -> Case:
    """Returns the case with the running statistics that `outcome` left."""
    return replace(case, running_mean=outcome.running_mean, running_var=outcome.running_var)


@once
def steady(bn: Subject, case: Case) -> Steps:
    """Runs the case, its batch once more and minus half of it, all by the case's own weight."""
    return follow(bn, (case, case, replace(case, x=multiplied(case, -0.5))))


@once
def cumulative(bn: Subject, case: Case) -> Steps:
    """Runs three batches, the one of step k by the weight 1/k, which makes the average that of all batches so far.

    It ends the property where the implementation refuses the weight 1.
    """
    batches = [
        replace(case, x=multiplied(case, factor), momentum=share(place, bn.dialect), dy=None)
        for place, factor in enumerate(FACTORS, 1)
    ]
    return follow(bn, [taken(bn, batches[0]), *batches[1:]])


@once
def inference_after_a_step(bn: Subject, case: Case) -> Case | None:
    """Returns the case in inference by the statistics that a training step on it returned; None where that is no
    statistics."""
    steps = follow(bn, (case,))
    return replace(continued(case, steps[0].outcome), mode="infer", dy=None) if steps else None


def share(place: int, dialect: Dialect) -> float:
    """Returns the weight 1/k of step k, as float32 holds it for an implementation that keeps its momentum so."""
    return short_weight(1 / place) if dialect.attribute_dtype == "float32" else 1 / place


def multiplied(case: Case, factor: float) -> np.ndarray:
    """Returns x times a power of two."""
    with np.errstate(over="ignore", under="ignore"):
        return np.asarray(case.x * case.x.dtype.type(factor))


def carried(steps: Steps, bound: Callable[[Case, Dialect], Bound], dialect: Dialect) -> Bound:
    """Bounds what the chain returned last against the exact recurrence from the same start.

    Step k is off by at most T_k from the exact step f_k at its own start R: |R_k - f_k(R_(k-1))| ≤ T_k. The recurrence
    F_k = f_k(F_(k-1)) is affine with slope 1 - ω_k, so |R_k - F_k| ≤ T_k + (1 - ω_k)|R_(k-1) - F_(k-1)|.
    """
    last = bound(steps[0].case, dialect)
    error = last.allowance
    for step in steps[1:]:
        last = bound(step.case, dialect)
        error = last.allowance + (1.0 - step.case.momentum) * error
    return Bound(error, last.scale, last.u)


def carried_mean(steps: Steps, dialect: Dialect) -> Bound:
    """Bounds the running mean after the chain."""
    return carried(steps, bounds.running_mean, dialect)


def carried_variance(steps: Steps, dialect: Dialect, correction: int = 1) -> Bound:
    """Bounds the running variance after the chain."""

    def bound(case: Case, dialect: Dialect) -> Bound:
        return bounds.running_var(case, dialect, correction=correction)

    return carried(steps, bound, dialect)


def means(steps: Steps) -> list[DoubleDouble]:
    """Returns the exact mean of each step's batch."""
    with np.errstate(all="ignore"):
        return [as_doubledouble(solution(step.case).batch.mean) for step in steps]


def variances(steps: Steps, correction: int = 1) -> list[DoubleDouble]:
    """Returns the exact variance of each step's batch, Σd²/(m - correction)."""
    m = float(steps[0].case.rows)
    with np.errstate(all="ignore"):
        return [as_doubledouble(solution(step.case).batch.variance) * m / (m - correction) for step in steps]


def closed_form(start: np.ndarray, steps: Steps, values: Sequence[DoubleDouble]) -> Array:
    """Returns (1 - ω)^k·start + ω·Σ (1 - ω)^(k-j)·value_j for steps of one weight ω."""
    weight = DoubleDouble(steps[0].case.momentum)
    rest = 1.0 - weight
    total, power = DoubleDouble(np.zeros(len(start))), weight
    for value in reversed(values):
        total, power = total + value * power, power * rest
    return rounded(total + DoubleDouble(start.astype(np.float64)) * _power(rest, len(values)))


def plain_average(values: Sequence[DoubleDouble]) -> Array:
    """Returns Σ value_j/k."""
    return rounded(_sum(values) / float(len(values)))


def population(steps: Steps, values: Sequence[DoubleDouble]) -> tuple[Array, Array]:
    """Returns the plain average of the values, and how far rounding of the weights 1/k takes the recurrence from it."""
    average = _sum(values) / float(len(values))
    reached = values[0]
    for step, value in zip(steps[1:], values[1:], strict=True):
        weight = DoubleDouble(step.case.momentum)
        reached = reached * (1.0 - weight) + value * weight
    return rounded(average), np.abs(rounded(reached - average))


def _sum(values: Sequence[DoubleDouble]) -> DoubleDouble:
    total = values[0]
    for value in values[1:]:
        total = total + value
    return total


def _power(base: DoubleDouble, exponent: int) -> DoubleDouble:
    power = DoubleDouble(1.0)
    for _ in range(exponent):
        power = power * base
    return power


def output_after_a_step(bn: Subject, case: Case) -> Agreement:
    """Compares y of inference after a training step with that by the running statistics that the step returned."""
    after = inference_after_a_step(bn, case)
    if after is None:
        return not_asked("running statistics are not offered", quantity="y")
    return bn.agrees(after, "y", quantity="y after a training step")
