"""Cases that are more than one problem: the inputs of a network, and a batch of one known distribution.

Rules: everything follows from the seed; one shape each, so that an implementation compiles for it once. Channels stand
last; a rank above two has axes of length one between.
"""

from __future__ import annotations

import numpy as np

from bnconform.contract.axes import from_rows
from bnconform.contract.case import Case
from bnconform.contract.dtypes import dtype_named

EXAMPLES, FEATURES = 12, 5
"""Few examples, so that m and m - 1 differ; five features, as in the listing of document 001."""
COUNTS = (3, 17, 65)
"""Sizes of a batch whose noise is measured. Odd, as χ² of m - 1 degrees of freedom is a finite sum where they are
even."""
CHANNELS = 4096
SHORT_EPSILON = 2.0**-17
"""Small beside every variance, and exact in float32."""


def inputs(dtype: str, rank: int, *, settings: tuple[float, float], seed: int) -> Case:
    """Returns the inputs of a network as a case's x; the settings are those of its layers."""
    x = np.random.default_rng(seed).standard_normal((EXAMPLES, FEATURES)).astype(dtype_named(dtype))
    eps, momentum = settings
    return Case(
        mode="train",
        x=_last(x, rank),
        gamma=None,
        beta=None,
        running_mean=None,
        running_var=None,
        eps=eps,
        momentum=momentum,
        axis=-1,
        shuffled=True,
    )


def gaussian(dtype: str, rank: int, *, seed: int) -> Case:
    """Returns a case whose channel j is drawn from N(running_mean_j, running_var_j); its statistics replace those.

    All means have one sign, so that errors in proportion to the mean do not cancel between channels.
    """
    rng, kind = np.random.default_rng(seed), dtype_named(dtype)
    spread = np.exp(0.25 * rng.standard_normal(CHANNELS))
    variance = (spread * spread).astype(kind)
    mean = (spread * rng.uniform(0.5, 1.5, CHANNELS)).astype(kind)
    z = rng.standard_normal((max(COUNTS), CHANNELS))
    x = mean.astype(np.float64) + np.sqrt(variance.astype(np.float64)) * z
    return Case(
        mode="train",
        x=_last(x.astype(kind), rank),
        gamma=np.ones(CHANNELS, kind),
        beta=np.zeros(CHANNELS, kind),
        running_mean=mean,
        running_var=variance,
        eps=SHORT_EPSILON,
        momentum=1.0,
        axis=-1,
        shuffled=True,
    )


def _last(rows: np.ndarray, rank: int) -> np.ndarray:
    return from_rows(rows, (len(rows), *[1] * (rank - 2), rows.shape[1]), -1)
