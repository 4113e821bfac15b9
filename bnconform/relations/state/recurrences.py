"""Running averages of a layer with a state of its own, by the recurrence of its Dialect.

Rules: a layer begins with an empty state and goes on from each state that it returns, so that a hidden counter counts;
a chain is run once per subject.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from bnconform.contract.case import Case
from bnconform.contract.memo import once
from bnconform.engine.agreement import Agreement, agree, hold, not_asked, not_offered, unless_declared
from bnconform.engine.spec import Subject
from bnconform.oracle import bounds, reference
from bnconform.oracle.bounds import Bound
from bnconform.oracle.reference.reductions import Array
from bnconform.relations import chains
from bnconform.relations.chains import Step, Steps
from bnconform.relations.refusals import Found
from bnconform.relations.state.averaged_chains import INITIAL, mean_after, variance_after

STATE = "a state with running statistics"
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
