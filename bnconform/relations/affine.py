"""Scale and shift: γ and β applied by hand, and those that give the input back.

Rules: γ and β of a follow-up case are rounded to their dtype, which moves the exact output by a known amount.
"""

from __future__ import annotations

import numpy as np

from bnconform.contract.case import Case
from bnconform.engine.agreement import Agreement, agree
from bnconform.engine.spec import Subject
from bnconform.oracle import bounds, reference
from bnconform.oracle.reference.reductions import Array
from bnconform.relations import exact, followups
from bnconform.relations.comparisons import per_channel, scale, shift


def by_hand(bn: Subject, case: Case) -> Agreement:
    """Compares y with γ times y for γ = 1 and β = 0, plus β."""
    plain, factor = followups.unscaled(case), per_channel(case, scale(case))
    found, h = bn(case).y, bn.output(plain, "y")
    error_of_h = np.abs(factor) * bounds.y(plain, bn.dialect).allowance
    expected = exact.scaled(h, factor, per_channel(case, shift(case)))
    return agree(found, expected, within=bounds.y(case, bn.dialect) + error_of_h, output="y")


def restored(bn: Subject, case: Case) -> Agreement:
    """Compares y for γ = √(σ² + ε) and β = μ with x."""
    undone = followups.restoring(case)
    return _given_back(bn, undone, undone.x.astype(np.float64), "y for γ = √(σ² + ε), β = μ")


def restored_but_for_epsilon(bn: Subject, case: Case) -> Agreement:
    """Compares y for γ = σ and β = μ with x less the share of ε."""
    undone = followups.restoring_without_epsilon(case)
    return _given_back(bn, undone, exact.short_of_input(undone), "y for γ = σ, β = μ")


def _given_back(bn: Subject, undone: Case, expected: Array, quantity: str) -> Agreement:
    within = bounds.y(undone, bn.dialect) + np.abs(reference.y(undone) - expected)
    return agree(bn(undone).y, expected, within=within, output="y", quantity=quantity)
