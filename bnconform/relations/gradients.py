"""Relations among gradients and tangents that hold for any values.

Rules: both sides come from the implementation and are summed in double-double, so that each may be off by its own
bound and by nothing else; sums over a channel are of shape (C,).
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from bnconform.contract.axes import to_rows
from bnconform.contract.case import Case
from bnconform.contract.dialect import Dialect
from bnconform.contract.outcome import Outcome
from bnconform.engine.agreement import Agreement, agree, not_offered
from bnconform.engine.spec import Subject
from bnconform.oracle import bounds
from bnconform.oracle.bounds import Bound
from bnconform.oracle.expected import bound_of
from bnconform.oracle.reference.doubledouble import DoubleDouble
from bnconform.oracle.reference.equations import rounded
from bnconform.oracle.reference.quantities import solution
from bnconform.oracle.reference.reductions import Array, totals
from bnconform.relations import followups


def gradients(bn: Subject, case: Case) -> list[Agreement]:
    """Compares the first gradients that there are with the reference."""
    return [bn.agrees(case, name) for name in ("dx", "dgamma", "dbeta")]


def total_of_dx(found: Outcome, case: Case, dialect: Dialect) -> Agreement:
    """Compares Σdx with 0."""
    total = _total_along(found, case, dialect, np.ones(1), np.zeros(case.channels), "sum of dx")
    return replace(total, output="dx", involves=())


def total_of_dx_along_h(found: Outcome, case: Case, dialect: Dialect) -> Agreement:
    """Compares Σdx·h with γ·r·ε/(σ² + ε)·Σg·h: mean(h²) is σ²/(σ² + ε), so P leaves this share of what lies along h."""
    own = solution(case)
    with np.errstate(all="ignore"):
        stats = own.batch_values
        expected = own.gamma * stats.r * (own.eps / (stats.variance + own.eps)) * own.gradients.dgamma
    return _total_along(found, case, dialect, stats.h, expected, "sum of dx·h")


def _total_along(
    found: Outcome, case: Case, dialect: Dialect, weights: Array, expected: Array, quantity: str
) -> Agreement:
    if found.dx is None:
        return not_offered("dx", quantity=quantity)
    with np.errstate(all="ignore"):
        actual = rounded((_rows(found.dx, case) * weights).total())
        within = _weighted(bounds.dx(case, dialect), weights, case)
    return agree(actual, expected, within=within, quantity=quantity, involves=("dx",))


def gradient_of_doubled(found: Outcome, changed: Case, again: Outcome, case: Case, dialect: Dialect) -> Agreement:
    """Compares dx of 2x and 4ε, `again`, with half of that of x and ε."""
    if found.dx is None or again.dx is None:
        return not_offered("dx", quantity="dx of the doubled input")
    with np.errstate(invalid="ignore"):  # a framework's NaN may be a signalling one
        half = found.dx.astype(np.float64) / 2
    within = bounds.dx(changed, dialect) + bounds.dx(case, dialect).allowance / 2
    return agree(again.dx, half, within=within, output="dx", quantity="dx of the doubled input")


def doubled(case: Case) -> Case:
    """Returns followups.doubled with its cotangent."""
    return replace(followups.doubled(case), dy=case.dy)


def without_scale(case: Case) -> Case:
    """Returns the case without γ and the cotangent of its gradient."""
    return replace(case, gamma=None, bar_dgamma=None)


def pairing(found: Outcome, case: Case, dialect: Dialect) -> Agreement:
    """Compares Σg·ẏ with Σdx·ẋ + dγ·γ̇ + dβ·β̇, by their difference."""
    quantity = "Σ dy·dot_y - Σ dx·dot_x - dgamma·dot_gamma - dbeta·dot_beta"
    names = ("dx", "dgamma", "dbeta")
    tangents = dict(zip(names, (case.dot_x, case.dot_gamma, case.dot_beta), strict=True))
    pairs = [(name, getattr(found, name), tangent) for name, tangent in tangents.items() if tangent is not None]
    missing = [name for name, array, _ in [("dot_y", found.dot_y, None), *pairs] if array is None]
    if missing or case.dy is None or found.dot_y is None:
        return not_offered(" and ".join(missing) or "dy", quantity=quantity)
    with np.errstate(all="ignore"):
        g = to_rows(case.dy, case.axis).astype(np.float64)
        difference = (_rows(found.dot_y, case) * g).total()
        within = _weighted(bounds.dot_y(case, dialect), g, case)
        for name, array, tangent in pairs:
            own = bound_of(case, dialect, name)
            if array.ndim == 1:
                weight = tangent.astype(np.float64)
                difference = difference - DoubleDouble(array.astype(np.float64)) * weight
                within = within + own.allowance * np.abs(weight)
            else:
                weight = to_rows(tangent, case.axis).astype(np.float64)
                difference = difference - (_rows(array, case) * weight).total()
                within = within + _weighted(own, weight, case)
    involves = ("dot_y", *names)
    return agree(rounded(difference), np.zeros(case.channels), within=within, quantity=quantity, involves=involves)


def _rows(tensor: np.ndarray, case: Case) -> DoubleDouble:
    return DoubleDouble(to_rows(tensor, case.axis).astype(np.float64))


def _weighted(bound: Bound, weights: Array, case: Case) -> Bound:
    """Returns the bound of Σ weight·value for values within `bound`; no claim where one of them has none, even if its
    weight is 0, since the value may be no number.
    """
    size = np.abs(weights)
    allowance, scale = to_rows(bound.allowance, case.axis), to_rows(bound.scale, case.axis)
    return Bound(totals(allowance * size), totals(scale * size), bound.u)
