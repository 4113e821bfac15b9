"""Mixed precision: data of 16 bits beside parameters and averages of 32, with values there that 16 bits cannot hold.

Rules: x and its cotangent have the dtype under test, γ, β and the averages the next wider one, of which float64 has
none; variances go beyond float16's range, ε below its smallest number, and cotangents are scaled as a loss is.
"""

from __future__ import annotations

from itertools import product

import numpy as np

from bnconform.cases.regimes import REGIMES, Channels, Regime
from bnconform.cases.traits import MOMENTA
from bnconform.contract.dtypes import dtype_named

WIDER = {"float16": "float32", "bfloat16": "float32", "float32": "float64", "float64": "float64"}
"""The dtype of the parameters beside data of each dtype."""
SETTINGS = tuple(product((1e-8, 1e-5, 1e-3, 0.3), MOMENTA))
"""Pairs of ε and momentum: in float16 1e-8 is zero."""
ABSENT: tuple[frozenset[str], ...] = (frozenset(), frozenset(), frozenset({"beta"}), frozenset({"gamma"}))
"""The parameters that may be absent: one at most, as their dtype tells what kind of case it is."""
_NARROW = {one.name: one for one in REGIMES}
WIDE = (
    *[_NARROW[name] for name in ("variance a tenth of eps", "variance equal to eps", "variance ten times eps")],
    *[_NARROW[name] for name in ("centred on zero", "ordinary", "offset 3", "offset 10", "offset 100", "offset 1000")],
    *[_NARROW[name] for name in ("tiny", "one outlier", "integer pairs", "rectified")],
    Regime("variance beyond float16", 400.0, 0.5),
    Regime("variance far beyond float16", 2e3, 1.0),
    Regime("values that fill float16", 7e3, 0.3),
)
SCALES = 2.0 ** np.array([0, 0, 6, 11])
"""Scales of a loss, and so of its cotangents; sums of these leave the range of float16."""
LARGEST = 6e4
"""What float16 holds with room to spare."""


def dtype_of_parameters(dtype: str) -> np.dtype:
    """Returns the dtype of the parameters beside data of `dtype`."""
    return dtype_named(WIDER[dtype])


def scaled(rng: np.random.Generator, channels: Channels, dy: np.ndarray) -> np.ndarray:
    """Returns a cotangent as a scaled loss sends it, scaled by less where the spread is small, as dx grows there."""
    scale = rng.choice(SCALES, channels.spread.size)
    scale = np.where(scale > 1, scale * np.minimum(1.0, channels.spread), 1.0)
    return np.asarray(np.clip(dy * scale, -LARGEST, LARGEST))
