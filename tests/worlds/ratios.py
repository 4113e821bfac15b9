"""Ratios of errors to bounds."""

import numpy as np

from bnconform.oracle import bounds, reference


def worst_ratio(case, name, got, dialect):
    """Returns the worst error over allowance of an output; an error where there is no claim counts as 0."""
    expected, bound = getattr(reference, name)(case), getattr(bounds, name)(case, dialect)
    with np.errstate(all="ignore"):
        error = np.abs(np.asarray(got, np.float64) - expected)
        ratio = np.where(np.isinf(bound.allowance) | (error == 0), 0.0, error / bound.allowance)
    return np.nan_to_num(ratio, nan=np.inf).max()
