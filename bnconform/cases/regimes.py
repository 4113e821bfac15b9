"""Fills channels with data, each channel in a regime of its own, so that one tensor tries sixteen kinds of problem.

Rules: everything follows from the generator that is passed in; the rows of a channel are exchangeable (independent
draws, or drawn and then permuted), as the sharper bounds on sums require; values are finite in their dtype. Why these
regimes: an error shows only where its terms matter (bnconform's bounds say how much).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from bnconform.contract.dtypes import dtype_named

Kind = Literal["normal", "heavy", "outlier", "pairs", "rectified", "constant"]


@dataclass(frozen=True)
class Regime:
    """One kind of channel: its spread, how far its mean stands from zero in spreads, and how its values scatter.

    spread: standard deviation; in units of sqrt(eps) where `per_eps`.
    """

    name: str
    spread: float
    offset: float
    kind: Kind = "normal"
    per_eps: bool = False


REGIMES = (
    Regime("variance a tenth of eps", 0.1**0.5, 0.7, per_eps=True),
    Regime("variance equal to eps", 1.0, 0.7, per_eps=True),
    Regime("variance ten times eps", 10**0.5, 0.7, per_eps=True),
    Regime("centred on zero", 1.0, 0.05),
    Regime("ordinary", 1.5, 0.8),
    Regime("offset 3", 0.7, 3.0),
    Regime("offset 10", 1.0, 10.0),
    Regime("offset 100", 0.5, 1e2),
    Regime("offset 1000", 1.0, 1e3),
    Regime("offset 10000", 1.0, 1e4),
    Regime("large", 30.0, 1.0),
    Regime("tiny", 1e-3, 0.5),
    Regime("heavy tails", 1.0, 0.6, "heavy"),
    Regime("one outlier", 1.0, 2.0, "outlier"),
    Regime("integer pairs", 1.0, 3.0, "pairs"),
    Regime("rectified", 1.0, 0.0, "rectified"),
)
CONSTANT = (
    Regime("constant, ordinary", 1.0, 1.5, "constant"),
    Regime("constant, large", 1.0, 3e3, "constant"),
    Regime("constant, small", 1.0, 1e-3, "constant"),
    Regime("constant, zero", 1.0, 0.0, "constant"),
)


@dataclass(frozen=True, eq=False)
class Channels:
    """Data for all channels: `x` (m, C) in its dtype, and per channel the spread and mean that it was drawn with."""

    x: np.ndarray
    spread: np.ndarray
    centre: np.ndarray


def draw_channels(rng: np.random.Generator, regimes: tuple[Regime, ...], rows: int, eps: float, dtype: str) -> Channels:
    """Returns `rows` values in each channel, channel j in the regime regimes[j]."""
    count = len(regimes)
    spread, offset, per_eps = np.array([(r.spread, r.offset, r.per_eps) for r in regimes]).T
    spread = spread * np.where(per_eps, np.sqrt(eps), 1.0) * np.exp(0.25 * rng.standard_normal(count))
    centre = offset * spread * np.where(rng.random(count) < 0.5, -1.0, 1.0)
    z = rng.standard_normal((rows, count))
    for channel, regime in enumerate(regimes):
        if regime.kind != "normal":
            z[:, channel] = _SCATTER[regime.kind](rng, z[:, channel])
        if regime.kind == "pairs":
            spread[channel], centre[channel] = 1.0, np.rint(centre[channel])
    return Channels(x=(centre + spread * z).astype(dtype_named(dtype)), spread=spread, centre=centre)


def _heavy(rng: np.random.Generator, z: np.ndarray) -> np.ndarray:
    # Student's t with three degrees of freedom, cut where float16 sums would overflow without a verdict.
    heavy = z / np.sqrt(rng.chisquare(3, z.shape) / 3)
    return np.asarray(np.clip(heavy, -40, 40))


def _outlier(rng: np.random.Generator, z: np.ndarray) -> np.ndarray:
    # All values nearly equal but one: the variance is carried by a single deviation.
    z = 0.01 * z
    z[rng.integers(z.size)] += 3.0
    return np.asarray(z)


def _pairs(rng: np.random.Generator, z: np.ndarray) -> np.ndarray:
    # Integers that pair up around the mean, one of them on it where m is odd: mean and variance are exact in any order.
    half = rng.integers(1, 5, z.size // 2).astype(np.float64)
    return np.asarray(rng.permutation(np.concatenate([half, -half, np.zeros(z.size % 2)])))


def _rectified(rng: np.random.Generator, z: np.ndarray) -> np.ndarray:
    # What follows a rectifier: many exact zeros.
    return np.asarray(np.maximum(z, 0.0))


def _constant(rng: np.random.Generator, z: np.ndarray) -> np.ndarray:
    return np.zeros_like(z)


_SCATTER = {"heavy": _heavy, "outlier": _outlier, "pairs": _pairs, "rectified": _rectified, "constant": _constant}
