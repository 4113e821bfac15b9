"""Ratios of errors to bounds."""

import numpy as np

from bnconform.oracle import bounds, reference
from bnconform.oracle.bounds.ratios import ratios


def worst_ratio(case, name, got, dialect):
    """Returns the worst error over allowance of an output; an error where there is no claim counts as 0."""
    expected, bound = getattr(reference, name)(case), getattr(bounds, name)(case, dialect)
    with np.errstate(all="ignore"):
        error = np.asarray(got, np.float64) - expected
    return np.where(np.isinf(bound.allowance), 0.0, ratios(error, bound.allowance)).max()
