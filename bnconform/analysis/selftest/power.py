"""The power of cases: how far beyond the bound a wrong formula lies from the right one on them.

Rules: power is the largest |wrong - right| over the bound, among elements with a finite bound, as in a verdict; above 1
a comparison can tell, and drawn cases must reach 4, so that rounding in the wrong one cannot hide it; the wrong formula
is evaluated beyond the dtype, unless it is wrong in rounding only.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from bnconform.analysis.faults import Fault, values
from bnconform.cases.strategies import Given, Traits, cases
from bnconform.contract.case import Case
from bnconform.contract.dialect import Dialect
from bnconform.contract.dtypes import NARROW
from bnconform.engine.drawing import drawn
from bnconform.oracle.bounds.ratios import ratios
from bnconform.oracle.expected import outputs

NEEDED = 4.0
POWERED: tuple[Given, ...] = (
    cases(mode="train"),
    cases(mode="infer"),
    cases(mode="train", gradients=False, rows="one"),
    cases(mode="train", derivatives="tangents"),
    cases(mode="train", derivatives="second_order"),
    cases(mode="infer", gradients=False, derivatives="fold"),
    cases(mode="train", gradients=False, manner="default_eps"),
    cases(mode="infer", gradients=False, manner="default_eps"),
    cases(mode="train", gradients=False, manner="default_momentum"),
    cases(mode="train", channels="wide").where(dtypes=NARROW),
    cases(mode="infer", channels="wide").where(dtypes=NARROW),
    cases(mode="train", manner="equal_shards"),
    cases(mode="train", manner="unequal_shards"),
    cases(mode="train", manner="empty_shard"),
)
"""The families whose cases are to show the faults of formulas."""


def power(wrong: Fault, case: Case, dialect: Dialect) -> float:
    """Returns the power of one case for a fault; infinite where it gives no number for a number."""
    found, worst = values(wrong, case), 0.0
    for name, right, within in outputs(case, dialect):
        if name not in found:
            continue
        with np.errstate(all="ignore"):
            error = np.where(found[name] == right, 0.0, found[name] - right)  # two infinities agree
        errors = ratios(error, within.allowance)
        worst = max(worst, float(np.max(errors, where=np.isfinite(within.allowance) & ~np.isnan(right), initial=0.0)))
    return worst


def drawn_of(family: Given, dtype: str, examples: int, start: int = 0) -> list[Case]:
    """Returns the first examples of a family as a search would draw them; none in a dtype that it is not asked in."""
    if dtype not in family.condition.dtypes:
        return []
    return drawn(family.strategy(Traits(dtype=dtype)), examples, start)


def greatest_power(wrong: Fault, cases: Iterable[Case], dialect: Dialect) -> float:
    """Returns the greatest power of the cases, at most that of the first which is beyond doubt."""
    worst = 0.0
    for case in cases:
        worst = max(worst, power(wrong, case, dialect))
        if worst >= NEEDED:
            break
    return worst
