"""Running statistics over several steps, and outputs that must not depend on them.

Rules: the unbiased variance is the paper's; an implementation that declares the biased one is compared with both.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from bnconform.contract.case import Case
from bnconform.engine.agreement import Agreement, agree, hold, not_asked, not_offered, unless_declared
from bnconform.engine.spec import Subject
from bnconform.oracle import bounds
from bnconform.oracle.expected import RUNNING
from bnconform.relations import chains

AFTER_BATCHES, AFTER_STEPS = "{} after three batches", "{} after three steps"


def mean_over_batches(bn: Subject, case: Case) -> Agreement:
    """Compares the running mean with the plain average over three batches, by weights 1/k."""
    chain, quantity = chains.cumulative(bn, case), AFTER_BATCHES.format("running_mean")
    if not chain:
        return not_offered("running_mean")
    average, drift = chains.population(chain, chains.means(chain))
    within = chains.carried_mean(chain, bn.dialect) + drift
    return agree(chain[-1].outcome.running_mean, average, within=within, output="running_mean", quantity=quantity)


def variance_over_batches(bn: Subject, case: Case) -> Agreement:
    """Compares the running variance with the plain average over three batches, by weights 1/k."""
    chain, quantity = chains.cumulative(bn, case), AFTER_BATCHES.format("running_var")

    def compared(correction: int) -> Agreement:
        average, drift = chains.population(chain, chains.variances(chain, correction))
        within = chains.carried_variance(chain, bn.dialect, correction) + drift
        return agree(chain[-1].outcome.running_var, average, within=within, output="running_var", quantity=quantity)

    return _unbiased(bn, chain, compared)


def mean_by_age(bn: Subject, case: Case) -> Agreement:
    """Compares the running mean after three steps of one weight with the closed form of its exponential average."""
    chain, quantity = chains.steady(bn, case), AFTER_STEPS.format("running_mean")
    if not chain or case.running_mean is None:
        return not_offered("running_mean")
    right = chains.closed_form(case.running_mean, chain, chains.means(chain))
    within = chains.carried_mean(chain, bn.dialect)
    return agree(chain[-1].outcome.running_mean, right, within=within, output="running_mean", quantity=quantity)


def variance_by_age(bn: Subject, case: Case) -> Agreement:
    """Compares the running variance after three steps of one weight with its closed form."""
    chain, start, quantity = chains.steady(bn, case), case.running_var, AFTER_STEPS.format("running_var")
    if start is None:
        return not_offered("running_var")

    def compared(correction: int) -> Agreement:
        right = chains.closed_form(start, chain, chains.variances(chain, correction))
        within = chains.carried_variance(chain, bn.dialect, correction)
        return agree(chain[-1].outcome.running_var, right, within=within, output="running_var", quantity=quantity)

    return _unbiased(bn, chain, compared)


def _unbiased(bn: Subject, offered: object, compared: Callable[[int], Agreement]) -> Agreement:
    """Compares with the unbiased variance, and with the biased one as well where the implementation declares it."""
    if not offered:
        return not_offered("running_var")
    paper = compared(1)
    return paper if bn.dialect.running_var == "unbiased" else unless_declared(paper, "running_var", compared(0))


def left_alone(bn: Subject, case: Case) -> list[Agreement]:
    """Holds that the running statistics are those of the case, to the bit."""
    found = bn(case)
    return [_unchanged(getattr(found, name), getattr(case, name), name) for name in RUNNING]


def _unchanged(after: np.ndarray | None, before: np.ndarray | None, name: str) -> Agreement:
    if after is None or before is None:
        return not_offered(name)
    equal = after.astype(np.float64) == before.astype(np.float64)
    return hold(equal, quantity=f"{name} unchanged", output=name)


def free_of_the_averages(bn: Subject, case: Case) -> list[Agreement]:
    """Compares outputs and gradients of a training step with those by other running statistics."""
    chain = chains.steady(bn, case)
    if not chain:
        return [not_asked("running statistics are not offered", quantity="y")]
    return [_same_by_others(bn, case, chain, name) for name in ("y", "dx", "dgamma", "dbeta")]


def _same_by_others(bn: Subject, case: Case, chain: chains.Steps, name: str) -> Agreement:
    first, second = getattr(chain[0].outcome, name), getattr(chain[1].outcome, name)
    if first is None:
        return not_offered(name)
    bound = getattr(bounds, name)
    within = bound(case, bn.dialect) + bound(chain[1].case, bn.dialect)
    quantity = f"{name} by other running statistics"
    return agree(second, first.astype(np.float64), within=within, output=name, quantity=quantity)
