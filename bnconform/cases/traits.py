"""The traits of an implementation that its cases depend on, and the settings that they are drawn with.

Rule: what a declaration says is all that counts here; nothing is measured.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product

import numpy as np

EPSILONS = (1e-5, 1e-3, 0.02, 0.3)
MOMENTA = (0.1, 0.01, 0.3, 0.875)
SETTINGS = tuple(product(EPSILONS, MOMENTA))  # drawn as one: each draw costs as much as a run of torch


@dataclass(frozen=True)
class Traits:
    """The traits of an implementation that strategies need: dtype under test, ranks, and whether shapes cost compiling.

    short_settings: epsilon and momentum that float32 holds exactly, for one that keeps them in float32 by declaration.
    default_eps, default_momentum: its documented defaults, if any. fixed_eps, fixed_momentum: those that it has,
    whatever a case says.
    """

    dtype: str
    ranks: tuple[int, ...] = (2, 3, 4, 5)
    compiled: bool = False
    short_settings: bool = False
    default_eps: float | None = None
    default_momentum: float | None = None
    fixed_eps: float | None = None
    fixed_momentum: float | None = None

    def settled(self, eps: float, momentum: float) -> tuple[float, float]:
        """Returns the settings with which the implementation is asked in place of these."""
        eps = eps if self.fixed_eps is None else self.fixed_eps
        momentum = momentum if self.fixed_momentum is None else self.fixed_momentum
        return short(eps, momentum) if self.short_settings else (eps, momentum)


def short(eps: float, momentum: float) -> tuple[float, float]:
    """Returns settings that float32 holds exactly, with the complement of the momentum."""
    return float(np.float32(eps)), short_weight(momentum)


def short_weight(weight: float) -> float:
    """Returns the weight nearest to `weight` that float32 holds exactly, and 1 less it as well.

    Where the weight of the old statistics is what is kept in float32, a case's own must not be rounded on its way
    there. Multiples of 2^-24 up to 1 have 24 bits, and so have their complements.
    """
    return round(weight * 2.0**24) / 2.0**24
