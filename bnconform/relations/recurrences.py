"""Running averages of a layer with a state of its own, by the recurrence of its Dialect.

Rules: a layer begins with an empty state and goes on from each state that it returns, so that a hidden counter counts;
the right average is computed in double-double from the declared initial values, never from the layer's own report; a
chain is run once per subject.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np

from bnconform.contract.case import Case
from bnconform.contract.dialect import Dialect
from bnconform.contract.memo import once
from bnconform.engine.agreement import Agreement, agree, hold, not_asked, not_offered, unless_declared
from bnconform.engine.spec import Subject
from bnconform.oracle import bounds, reference
from bnconform.oracle.bounds import Bound
from bnconform.oracle.bounds.formats import effective
from bnconform.oracle.bounds.rounding import rounding_of_output
from bnconform.oracle.reference.doubledouble import DoubleDouble
from bnconform.oracle.reference.equations import moving_average, rounded
from bnconform.oracle.reference.reductions import Array
from bnconform.relations import chains
from bnconform.relations.chains import Step, Steps
from bnconform.relations.refusals import Found

STATE = "a state with running statistics"
INITIAL = {"running_mean": 0.0, "running_var": 1.0}
DOCUMENTED_START = ("exponential", "cumulative")
"""Averages whose value before the first batch is documented: those that begin with the initial values."""


def new_layer(case: Case) -> Case:
    """Returns the case for a layer that begins with the implementation's own initial values."""
    return replace(case, running_mean=None, running_var=None, dy=None, state={})


def by_initial_values(case: Case) -> Case:
    """Returns the case in inference by a mean of 0 and a variance of 1."""
    given = {name: np.full(case.channels, value).astype(case.x.dtype) for name, value in INITIAL.items()}
    return replace(case, mode="infer", dy=None, running_mean=given["running_mean"], running_var=given["running_var"])


@once
def from_the_beginning(bn: Subject, case: Case) -> Steps:
    """Runs three batches through a new layer, each by the state that the one before it left.

    The chain is empty where the implementation returns no state or no running statistics.
    """
    chain: list[Step] = []
    for factor in chains.FACTORS:
        batch = replace(new_layer(case), x=chains.multiplied(case, factor))
        if chain:
            batch = replace(batch, state=chain[-1].outcome.state)
        outcome = bn(batch)
        if outcome.state is None or outcome.running_mean is None or outcome.running_var is None:
            return ()
        chain.append(Step(batch, outcome))
    return tuple(chain)


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


def of_no_batch(bn: Subject, compare: Callable[[], Found]) -> Found:
    """Returns what `compare` finds; nothing is asked where the average of no batch at all is documented nowhere."""
    if bn.dialect.average in DOCUMENTED_START:
        return compare()
    return not_asked("its average of no batch is documented nowhere", quantity="start")


def initial_averages(bn: Subject, case: Case) -> list[Agreement]:
    """Holds that a new layer infers by a mean of 0 and a variance of 1."""
    new = bn(replace(new_layer(case), mode="infer"))
    return [_begins(getattr(new, name), name, value) for name, value in INITIAL.items()]


def _begins(found: np.ndarray | None, name: str, value: float) -> Agreement:
    if found is None:
        return not_offered(name)
    return hold(found.astype(np.float64) == value, quantity=f"{name} of a new layer", output=name)


def output_of_a_new_layer(bn: Subject, case: Case) -> Agreement:
    """Compares y of a new layer in inference with that by its documented initial values."""
    new, known = replace(new_layer(case), mode="infer"), by_initial_values(case)
    within = bounds.y(known, bn.dialect)
    return agree(bn(new).y, reference.y(known), within=within, output="y", quantity="y of a new layer")


def by_its_own_recurrence(bn: Subject, case: Case) -> list[Agreement]:
    """Compares the averages after three steps of a new layer with those of its declared recurrence."""
    chain, after = from_the_beginning(bn, case), "after three steps of a new layer"
    if not chain:
        return [not_offered(STATE, quantity="state")]
    mean, variance = mean_after(chain, bn.dialect), variance_after(chain, bn.dialect, _correction(bn))
    return [
        _reached(chain, "running_mean", *mean, quantity=f"running_mean {after}"),
        _reached(chain, "running_var", *variance, quantity=f"running_var {after}"),
    ]


def by_its_own_count(bn: Subject, case: Case) -> list[Agreement]:
    """Compares the cumulative averages over three batches with the plain ones."""
    if bn.dialect.average != "cumulative":
        return [not_asked("it does not declare a cumulative average", quantity="state")]
    chain = from_the_beginning(bn, case)
    if not chain:
        return [not_offered(STATE, quantity="state")]

    def compared(correction: int) -> Agreement:
        reached, within = variance_after(chain, bn.dialect, correction)
        average = chains.plain_average(chains.variances(chain, correction))
        return _averaged(chain, "running_var", reached, average, within)

    reached, within = mean_after(chain, bn.dialect)
    mean = _averaged(chain, "running_mean", reached, chains.plain_average(chains.means(chain)), within)
    if bn.dialect.running_var == "biased":
        return [mean, unless_declared(compared(1), "running_var", compared(0))]
    return [mean, compared(1)]


def _averaged(chain: Steps, name: str, reached: Array, average: Array, within: Bound) -> Agreement:
    # The difference is 0 but for weights 1/j that are kept in float32 by declaration.
    within = within + np.abs(reached - average)
    return _reached(chain, name, average, within, quantity=f"{name} over three batches")


def _reached(chain: Steps, name: str, right: Array, within: Bound, *, quantity: str) -> Agreement:
    return agree(getattr(chain[-1].outcome, name), right, within=within, output=name, quantity=quantity)


def _correction(bn: Subject) -> int:
    return int(bn.dialect.running_var == "unbiased")


def output_by_its_state(bn: Subject, case: Case) -> Agreement:
    """Compares y of inference by the state of three steps with that by the averages that it reported."""
    chain = from_the_beginning(bn, case)
    if not chain:
        return not_offered(STATE, quantity="y")
    last = chain[-1].outcome
    kept = replace(new_layer(case), mode="infer", state=last.state)
    known = replace(kept, state=None, running_mean=last.running_mean, running_var=last.running_var)
    within = bounds.y(known, bn.dialect)
    return agree(bn(kept).y, reference.y(known), within=within, output="y", quantity="y by the state of three steps")
