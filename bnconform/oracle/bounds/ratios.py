"""Ratios of errors to their bounds, element by element.

Rules: no error is a ratio of 0, even within a bound of 0; an error that is not a number is infinite.
"""

from __future__ import annotations

import numpy as np


def ratios(error: np.ndarray, allowance: np.ndarray | float) -> np.ndarray:
    """Returns the size of each error over its bound."""
    with np.errstate(all="ignore"):
        found = np.where(error == 0, 0.0, np.abs(error) / allowance)
    return np.where(np.isnan(found), np.inf, found)
