"""What the recurrence of a Dialect makes of a chain of batches: the running averages, and the bounds of these.

Rules: the right average is computed in double-double from the declared initial values, never from the layer's own
report.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np

from bnconform.contract.case import Case
from bnconform.contract.dialect import Dialect
from bnconform.oracle import bounds
from bnconform.oracle.bounds import Bound
from bnconform.oracle.bounds.formats import effective
from bnconform.oracle.bounds.rounding import rounding_of_output
from bnconform.oracle.reference.doubledouble import DoubleDouble
from bnconform.oracle.reference.equations import moving_average, rounded
from bnconform.oracle.reference.reductions import Array
from bnconform.relations import chains
from bnconform.relations.chains import Steps

INITIAL = {"running_mean": 0.0, "running_var": 1.0}
"""The documented averages of a layer before its first batch."""


def weights(chain: Steps, dialect: Dialect) -> list[DoubleDouble]:
    """Returns the weight of each step's batch in the average so far."""
    own = [DoubleDouble(step.case.momentum) for step in chain]
    if dialect.average == "first copy":
        return [DoubleDouble(1.0), *own[1:]]
    if dialect.average != "cumulative":
        return own
    if dialect.attribute_dtype == "float32":
        return [DoubleDouble(chains.share(place, dialect)) for place, _ in enumerate(chain, 1)]
    return [1.0 / DoubleDouble(float(place)) for place, _ in enumerate(chain, 1)]


def averages(values: Sequence[DoubleDouble], chain: Steps, dialect: Dialect, start: float) -> list[DoubleDouble]:
    """Returns the declared recurrence R_j = (1 - ω_j)·R_(j-1) + ω_j·value_j from its start, R_0 included.

    A debiased average begins at 0, whatever inference would use before the first batch.
    """
    begin = 0.0 if dialect.average == "debiased" else start
    reached = [DoubleDouble(np.full(len(rounded(values[0])), begin))]
    for value, weight in zip(values, weights(chain, dialect), strict=True):
        reached.append(moving_average(reached[-1], value, weight))
    return reached


def divisor(chain: Steps, dialect: Dialect) -> DoubleDouble:
    """Returns z = 1 - (1 - ω)^k, the divisor of a debiased average; 1 for any other."""
    if dialect.average != "debiased":
        return DoubleDouble(1.0)
    rest = DoubleDouble(1.0)
    for weight in weights(chain, dialect):
        rest = rest * (1.0 - weight)
    return 1.0 - rest


def expected(values: Sequence[DoubleDouble], chain: Steps, dialect: Dialect, start: float) -> Array:
    """Returns the right statistics for inference after the chain."""
    return rounded(averages(values, chain, dialect, start)[-1] / divisor(chain, dialect))


Make = Callable[[Case, Dialect], Bound]


def bound(values: Sequence[DoubleDouble], chain: Steps, dialect: Dialect, name: str, make: Make) -> Bound:
    """Bounds running statistic `name` after the chain; `make` bounds a single step of it.

    One step from the exact R is off by at most T(R), and T grows with |R| by no more than 4u(1 - ω) + 3u and the
    rounding of the output. A start that is itself off by E is carried on by 1 - ω, so that E_j = T_j(R_(j-1)) + ((1 -
    ω_j)(1 + 5u) + 4u)·E_(j-1) + s_j, where E_0 = 0: the initial values are exact, and s_j is the growth of the unit in
    the last place where the error takes R_j to the next power of two.
    """
    types = effective(chain[0].case.dtype, dialect)
    u = max(types.accumulate.u, types.running.u)
    reached = [rounded(one) for one in averages(values, chain, dialect, INITIAL[name])]
    error: Array = np.zeros(chain[0].case.channels)
    spans = zip(chain, weights(chain, dialect), reached[:-1], reached[1:], strict=True)
    for step, weight, before, after in spans:
        omega = float(rounded(weight))
        judged = make(_begun(step.case, name, before, omega), dialect)
        error = judged.allowance + ((1.0 - omega) * (1.0 + 5 * u) + 4 * u) * error
        size, exact = np.abs(after), np.zeros(len(after))
        step_up = rounding_of_output(judged.u, size, error) - rounding_of_output(judged.u, size, exact)
        error = error + np.maximum(step_up, 0.0)
    if dialect.average != "debiased":
        return Bound(error, judged.scale, judged.u)
    smallest = max(types.accumulate.kept, types.running.kept)
    return _debiased(Bound(error, judged.scale, judged.u), reached[-1], chain, dialect, u, smallest)


def _begun(case: Case, name: str, before: Array, omega: float) -> Case:
    """Returns the case of one step of the recurrence, from the exact average before it."""
    given = {name: before}
    return replace(
        case, state=None, momentum=omega, running_mean=given.get("running_mean"), running_var=given.get("running_var")
    )


def _debiased(average: Bound, reached: Array, chain: Steps, dialect: Dialect, u: float, smallest: float) -> Bound:
    """Bounds R/z, of R within its own bound and of z = 1 - q, q = (1 - ω)^k.

    With ω rounded, 1 - ω is off by uω + u(1 - ω), and so q by k·uω·(1 - ω)^(k-1) ≤ u and by k·u·q; the power itself is
    off by 4 ulps or by its k products, and the difference from 1 by a rounding: E_z = (q(2k + 6)u + 3u)/z, relative.
    """
    z = float(rounded(divisor(chain, dialect)))
    error_of_z = ((1.0 - z) * (2 * len(chain) + 6) * u + 3 * u) / z
    # 2u: the quotient, also as a product with 1/z.
    error = (average.allowance + 6 * smallest) / z * (1.0 + error_of_z) + np.abs(reached / z) * (error_of_z + 2 * u)
    return Bound(error, average.scale / z, average.u)


def mean_after(chain: Steps, dialect: Dialect) -> tuple[Array, Bound]:
    """Returns the running mean that the declared recurrence gives, and its bound."""
    values = chains.means(chain)
    within = bound(values, chain, dialect, "running_mean", bounds.running_mean)
    return expected(values, chain, dialect, INITIAL["running_mean"]), within


def variance_after(chain: Steps, dialect: Dialect, correction: int) -> tuple[Array, Bound]:
    """Returns the running variance that the declared recurrence gives, and its bound."""

    def one_step(case: Case, dialect: Dialect) -> Bound:
        return bounds.running_var(case, dialect, correction=correction)

    values = chains.variances(chain, correction)
    within = bound(values, chain, dialect, "running_var", one_step)
    return expected(values, chain, dialect, INITIAL["running_var"]), within
