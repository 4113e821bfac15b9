"""Cases of use made of a plain case, as the statements of that chapter ask them, and what a fault makes of them."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from bnconform.analysis.faults import RIGHT, Fault, values
from bnconform.analysis.faults.adapter import DIALECT
from bnconform.contract.case import Case
from bnconform.contract.checks import MALFORMED
from bnconform.oracle.bounds.ratios import ratios
from bnconform.oracle.expected import outputs
from bnconform.relations.use.accumulated import holding
from bnconform.relations.use.between import called_again
from bnconform.relations.use.checkpoints import run_again
from bnconform.relations.use.malformed import malformed
from bnconform.relations.use.sequences import behind_both
from bnconform.relations.use.untracked import in_mode
from bnconform.relations.use.wanted import wanting

Answer = dict[str, np.ndarray] | None
"""Outputs by name; None: it is refused."""


def used(case: Case) -> Iterator[Case]:
    """Yields the cases of use that are made of a case."""
    yield from (made for word in MALFORMED if (made := malformed(case, word)) is not None)
    if case.running_mean is not None:
        yield called_again(case, "train")
        yield called_again(case, "infer")
        yield behind_both(case)
    yield from wanting(case)
    if case.gamma is not None or case.beta is not None:
        yield holding(case)
    yield run_again(case)
    if case.mode == "train":
        yield in_mode(case, "infer")


def answered(one: Fault, case: Case) -> Answer:
    """Returns what an implementation with a fault answers."""
    try:
        return values(one, case, asked=set())
    except ValueError:
        return None


def apart(one: Answer, other: Answer, plain: Case) -> float:
    """Returns how many times further apart two answers are than two right ones may be; infinite where one is refused.

    plain: the case that the one which was asked is made of.
    """
    if one is None or other is None:
        return float("inf") if (one is None) != (other is None) else 0.0
    worst = 0.0
    for name, _, within in outputs(plain, DIALECT):
        if name in one and name in other:
            with np.errstate(all="ignore"):
                same = (one[name] == other[name]) | (np.isnan(one[name]) & np.isnan(other[name]))
                found = ratios(np.where(same, 0.0, one[name] - other[name]), 2.0 * within.allowance)
            worst = max(worst, float(np.max(found, where=np.isfinite(within.allowance), initial=0.0)))
    return worst


def power(one: Fault, asked: Case, plain: Case) -> float:
    """Returns how far beyond the bound a fault is from the right formulas on a case of use."""
    return apart(answered(one, asked), answered(RIGHT, asked), plain)
