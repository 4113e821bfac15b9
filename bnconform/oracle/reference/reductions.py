"""Reductions of float64 matrices of shape (m, C) over their rows, to one value per channel.

Rule: reductions call the ufuncs directly, as the bounds of small cases cost little else than the calls.
"""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

Array: TypeAlias = NDArray[np.float64]
Mask: TypeAlias = NDArray[np.bool_]


def totals(t: Array) -> Array:
    """Returns Σt of each column, of shape (C,)."""
    total: Array = np.add.reduce(t, axis=0)
    return total


def peaks(magnitude: Array) -> Array:
    """Returns the largest of each column of magnitudes, of shape (C,); 0 for a column without rows."""
    peak: Array = np.maximum.reduce(magnitude, axis=0, initial=0.0)
    return peak
