"""How far the outputs of training lie from right, by the condition of the data and by how many values are summed.

Rules: only an output of the drawn case itself is measured, channel by channel; in each class of condition, and of size
for data near zero, the worst channel is kept, so that the number of points is small however long a search goes on.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np

from bnconform.contract.axes import to_rows
from bnconform.contract.case import Case
from bnconform.engine.agreement import Agreement
from bnconform.oracle import reference
from bnconform.oracle.bounds.formats import ARITHMETICS

NEAR_ZERO = 2.0
"""Data of a smaller condition lie near zero: there the error is read against the number of values."""
PER_DECADE = 2
"""Classes of condition in a power of ten; sizes have a class for each power of two."""
Point = tuple[float, int, float]
"""κ = √(1 + μ²/σ²) of a channel, its number m of values, and its worst error in unit roundoffs of its largest value."""


@dataclass
class Accuracy:
    """The worst errors of y in training by class."""

    _worst: dict[tuple[str, int], Point] = field(default_factory=dict)

    @property
    def points(self) -> list[Point]:
        """The worst of each class, by condition and size."""
        return sorted(set(self._worst.values()))

    def add(self, case: Case, one: Agreement) -> None:
        """Takes note of a comparison of an output of `case` as it is; of any other it takes none."""
        if one.output != "y" or not one.direct or case.mode != "train" or case.mask is not None:
            return
        for point in _channels(case, one):
            kappa, size, error = point
            self._keep(("condition", int(PER_DECADE * math.log10(kappa))), point, error)
            if kappa < NEAR_ZERO:
                self._keep(("size", size.bit_length()), point, error)

    def _keep(self, key: tuple[str, int], point: Point, error: float) -> None:
        if key not in self._worst or error > self._worst[key][2]:
            self._worst[key] = point


def _channels(case: Case, one: Agreement) -> list[Point]:
    """Returns a point for each channel whose data differ and whose elements all have a finite bound."""
    if one.actual is None or one.expected is None or one.allowance is None:
        return []
    with np.errstate(all="ignore"):
        expected = to_rows(np.broadcast_to(one.expected, case.x.shape), case.axis)
        error = np.abs(to_rows(one.actual, case.axis) - expected).max(axis=0)
        unit = ARITHMETICS[case.dtype].u * np.abs(expected).max(axis=0)
        mean, variance = reference.batch_mean(case), reference.batch_var(case)
        kappa = np.sqrt(1 + np.square(mean) / variance)
        lost = np.where(np.isnan(error), np.inf, error / unit)
    bounded = np.isfinite(to_rows(np.broadcast_to(one.allowance, case.x.shape), case.axis)).all(axis=0)
    told = bounded & np.isfinite(kappa) & (unit > 0)
    return [(float(kappa[c]), len(expected), float(lost[c])) for c in np.flatnonzero(told)]
