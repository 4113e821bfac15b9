"""The draws that fill a case: scales, running averages, cotangents and tangents.

Rules: all is drawn from the one generator, in a fixed order; values are float64, and the function that fills the case
rounds them.
"""

from __future__ import annotations

import numpy as np

from bnconform.cases.regimes import Channels
from bnconform.contract.case import FEATURES

ASKED = {**FEATURES, "third_order": ("bar_dx", *FEATURES["third_order"])}
"""The fields of a Case that each kind of derivative needs: the third that of the second in x as well."""


def further(derivatives: str, rng: np.random.Generator, channels: Channels) -> dict[str, np.ndarray]:
    """Returns tangents or second cotangents: of x or dx like a cotangent, of γ and β or their gradients by chance.

    Cotangents of the batch's statistics are of the size of Σ|g|, so that what they add to dx is of its own size.
    """
    if derivatives in ("first", "running_gradients"):
        return {}
    if derivatives == "batch_statistics":
        dmean, dvar = len(channels.x) * rng.standard_normal((2, channels.spread.size))
        return {"dmean": dmean, "dvar": dvar / np.maximum(channels.spread, 1.0)}
    if derivatives == "third_order":
        return {name: cotangent(rng, channels) for name in ASKED["third_order"]}
    tensor, *vectors = FEATURES[derivatives]
    drawn = {name: rng.standard_normal(channels.spread.size) for name in vectors}
    return {tensor: cotangent(rng, channels), **drawn}


def scales(rng: np.random.Generator, count: int) -> np.ndarray:
    """Returns positive factors around 1, mostly within a factor of two."""
    return np.asarray(np.exp(0.5 * rng.standard_normal(count)))


def statistics(rng: np.random.Generator, channels: Channels) -> dict[str, np.ndarray]:
    """Returns running averages that differ from the batch's, near enough to it that both terms of an update matter."""
    count = channels.spread.size
    return {
        "running_mean": channels.centre + channels.spread * rng.standard_normal(count),
        "running_var": channels.spread**2 * scales(rng, count),
    }


def cotangent(rng: np.random.Generator, channels: Channels) -> np.ndarray:
    """Returns a cotangent with a mean and a component along h; without them the centring terms of dx vanish."""
    z = (channels.x.astype(np.float64) - channels.centre) / channels.spread
    strength = scales(rng, channels.spread.size)
    return np.asarray(strength * (1.0 + 0.8 * np.clip(z, -8, 8) + 0.5 * rng.standard_normal(z.shape)))
