"""Parameters and averages that an implementation's arithmetic cannot hold: each is rounded to it once, when it is read.

Rules: nothing is allowed where the arithmetic holds them, as float32 holds the parameters of mixed precision; what it
cannot hold at all, because it is too large, leaves no claim. Outputs and first derivatives alone have these terms.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from bnconform.contract.case import Case
from bnconform.oracle.bounds.formats import Arithmetic, EffectiveArithmetic
from bnconform.oracle.bounds.overflow import HEADROOM
from bnconform.oracle.reference.reductions import Array, Mask


@dataclass(frozen=True, slots=True)
class Narrowing:
    """The rounding of a value to a narrower type: `u` of it, or `smallest` where the type keeps nothing finer.

    limit: what a value must stay below so that the type holds it and what is formed of it.
    """

    u: float = 0.0
    smallest: float = 0.0
    limit: float = np.inf

    def of(self, value: Array) -> Array:
        """Bounds the change of a value."""
        return self.u * np.abs(value) + self.smallest if self.u else np.zeros_like(value)

    def overflows(self, *values: Array) -> Mask:
        """Returns where one of the values may be too large."""
        beyond: Mask = np.logical_or.reduce([~(np.abs(one) <= self.limit) & (self.u > 0) for one in values])
        return beyond


NOTHING = Narrowing()


def of_parameters(case: Case, types: EffectiveArithmetic) -> Narrowing:
    """Returns the rounding of γ, β and the running statistics that normalize, in the elementwise arithmetic."""
    return _to(types.elementwise, types.params) if case.has_wide_parameters else NOTHING


def of_averages(case: Case, types: EffectiveArithmetic) -> Narrowing:
    """Returns the rounding of the old averages, which move in the arithmetic of the sums."""
    return _to(types.accumulate, types.running) if case.has_wide_parameters else NOTHING


def _to(narrow: Arithmetic, wide: Arithmetic) -> Narrowing:
    if narrow.bits >= wide.bits:
        return NOTHING
    return Narrowing(narrow.u, narrow.kept, narrow.largest / HEADROOM)
