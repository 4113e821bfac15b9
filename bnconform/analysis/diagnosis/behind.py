"""The bound of an output as it is behind all calls of a Case and its backward pass.

Rules: averages of two calls begin the second where the first left them, so that an error of the first is carried with
the weight of the old ones; a gradient that is added to a held one is rounded once more, in its own type.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from bnconform.contract.case import Case
from bnconform.contract.dialect import Dialect
from bnconform.oracle.bounds import Bound
from bnconform.oracle.expected import RUNNING, bound_of, expected

HELD = {"dgamma": "held_gamma", "dbeta": "held_beta"}


def bound_behind(case: Case, dialect: Dialect, name: str) -> Bound:
    """Returns the bound of an output, of the averages behind a call between and of the gradients behind held ones."""
    held = getattr(case, HELD[name]) if name in HELD else None
    if held is not None:
        value, own = expected(case, dialect, name)
        within = own.allowance + own.u * (np.abs(held.astype(np.float64) + value) + own.allowance)
        return Bound(within, own.scale, own.u)
    if name in RUNNING and case.between is not None and case.between_trains:
        return _of_two_calls(case, dialect, name)
    return bound_of(case, dialect, name)


def _of_two_calls(case: Case, dialect: Dialect, name: str) -> Bound:
    first = replace(case, between=None, between_mode=None)
    left: dict[str, Any] = {each: expected(first, dialect, each)[0].astype(_kept(case, each)) for each in RUNNING}
    own = bound_of(first, dialect, name).allowance if case.mode == "train" else 0.0
    last = bound_of(replace(first, x=np.asarray(case.between), mode="train", **left), dialect, name)
    return Bound(last.allowance + (1.0 - case.momentum) * own, last.scale, last.u)


def _kept(case: Case, name: str) -> np.dtype:
    return np.asarray(getattr(case, name)).dtype
