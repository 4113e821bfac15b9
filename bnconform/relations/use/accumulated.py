"""Gradients that are added to what is held already, as over several backward passes before one step.

Rules: what is held are small whole numbers, exact in every type; an implementation is judged by its own gradient where
nothing is held. Two of its gradients d and d' that lie within the bound T of the exact one differ by at most 2·T; the
sum h + d' is rounded once in the gradient's type, and h + d here in float64, which is at least as wide: the sums differ
by at most 2·T + 2u·(|h + d| + 2·T).
"""

from __future__ import annotations

from dataclasses import replace

import ml_dtypes
import numpy as np

from bnconform.contract.case import Case
from bnconform.contract.memo import once
from bnconform.engine.agreement import Agreement, agree, not_offered
from bnconform.engine.spec import Subject
from bnconform.oracle.bounds import Bound
from bnconform.oracle.expected import bound_of
from bnconform.relations.use.alike import alike

HOLDERS = {"dgamma": "gamma", "dbeta": "beta"}
"""The gradients that are held, and their parameters."""
HOW = "where gradients are held before"


@once
def holding(case: Case) -> Case:
    """Returns the case with gradients of 1, -2, 3, 1 … for γ and the negative of these for β, of those that it has."""
    numbers = np.resize([1.0, -2.0, 3.0], case.channels).astype(case.x.dtype)
    return replace(
        case,
        held_gamma=None if case.gamma is None else numbers,
        held_beta=None if case.beta is None else -numbers,
    )


def sums(bn: Subject, case: Case) -> list[Agreement]:
    """Compares gradients that are added to held ones with the sum of both, and dx with what it is without."""
    asked = holding(case)
    bn(asked)  # first: who takes no such case is asked nothing else
    found = [_sum(bn, asked, case, name) for name, of in HOLDERS.items() if getattr(case, of) is not None]
    return [*found, alike(bn, asked, bn(case).dx, bound_of(case, bn.dialect, "dx"), "dx", HOW)]


def _sum(bn: Subject, asked: Case, case: Case, name: str) -> Agreement:
    own, bound = getattr(bn(case), name), bound_of(case, bn.dialect, name)
    if own is None:
        return not_offered(name, quantity=f"{name} {HOW}")
    u = float(ml_dtypes.finfo(own.dtype).eps) / 2  # type: ignore[no-untyped-call]
    with np.errstate(all="ignore"):
        due = own.astype(np.float64) + getattr(asked, f"held_{HOLDERS[name]}").astype(np.float64)
        within = Bound(2 * bound.allowance + 2 * u * (np.abs(due) + 2 * bound.allowance), bound.scale, bound.u)
    quantity = f"{name} {HOW}"
    return agree(getattr(bn(asked), name), due, within=within, output=name, quantity=quantity, where=np.isfinite(due))
