"""Rows with sums that are exact in the arithmetic of a probe, or in wider arithmetic only.

Rules: everything is an integer times a power of two; the purpose of a row stands with it; values fit the dtype exactly.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from bnconform.analysis.fingerprint.bench import CHANNELS, SEVERAL

PLACES = ((0, 1), (0, 2), (0, 3), (0, 4), (0, 6), (0, 7), (0, 11), (1, 10), (2, 3), (2, 5), (3, 9), (4, 11), (5, 6),
          (5, 7), (6, 10), (8, 11))  # fmt: skip
"""Where a pair ±2^a stands among equal small values: neighbours and not, so that no tree of sums cancels all pairs."""


@dataclass(frozen=True)
class Rung:
    """A pair ±large among values small: its sum loses the small ones in a type of few bits. loses: that type."""

    loses: str
    large: int
    small: int


RUNGS = {
    "float16": (Rung("float16", 7, -9), Rung("float32", 15, -14)),
    "bfloat16": (Rung("bfloat16", 7, -7), Rung("float32", 14, -15), Rung("float64", 29, -29)),
    "float32": (
        Rung("bfloat16", 5, -5),
        Rung("float16", 7, -9),
        Rung("float32", 14, -15),
        Rung("float64", 29, -29),
    ),
}
RUNGS["float64"] = RUNGS["float32"]
"""By the dtype of the data, which holds both powers. Beside the large one the type that loses does not hold ten small
ones together (bfloat16, for data of 32 and 64 bits, not one of them, as float16 is to hold all ten); the next type
holds every partial sum. Squares of float16's first rung do not overflow in it."""


def ladder(dtype: str) -> np.ndarray:
    """Returns, rung by rung, a channel per place of the pair."""
    rows = np.empty((SEVERAL, CHANNELS))
    for channel in range(CHANNELS):
        rung, (first, second) = rung_of(dtype, channel), PLACES[channel % len(PLACES)]
        rows[:, channel] = 2.0**rung.small
        rows[first, channel], rows[second, channel] = 2.0**rung.large, -(2.0**rung.large)
    return rows


def rung_of(dtype: str, channel: int) -> Rung:
    """Returns the rung that a channel of the ladder stands on."""
    rungs = RUNGS[dtype]
    return rungs[min(channel // len(PLACES), len(rungs) - 1)]


SQUARES = {"float16": 6}
"""The power of two that values stay below where the sum of their squares is to be finite; wider ranges need none."""


def far_from_zero(rows: int, bits: int, offset: float, count: int, rng: np.random.Generator) -> np.ndarray:
    """Returns channels of pairs c ± d of integers below 2^bits, with c about `offset` times as large as d.

    Their mean is c, and their sum exact in any type that holds rows·2^bits.
    """
    largest = 2.0**bits
    centre = np.rint(rng.uniform(0.6, 0.9, count) * (largest - 1))
    size = centre / offset
    away = np.maximum(np.rint(size * rng.uniform(0.5, 1.4, (rows // 2, count))), 1.0)
    away = np.minimum(away, largest - 1 - centre)
    pairs = np.concatenate([away, -away])
    signs = rng.choice((-1.0, 1.0), count)
    return np.asarray((centre + rng.permuted(pairs, axis=0)) * signs)


def cancelling(bits: int, span: int, rng: np.random.Generator) -> np.ndarray:
    """Returns triples a + b, -a and -b of `bits` significant bits and sizes up to 2^span apart, between -16 and 16.

    Their sum is 0, and exact where 2^(bits + span + 3) is; the sum of their products with one number is not, as the
    roundings of a triple do not cancel.
    """
    shape = (SEVERAL // 3, CHANNELS)
    one, other = (np.rint(rng.uniform(0.5, 1.0, shape) * (2.0 ** (bits - 1) - 1)) for _ in range(2))
    size = 2.0 ** (rng.integers(0, span + 1, shape) + 4 - bits - span)
    return np.asarray(rng.permuted(np.concatenate([(one + other) * size, -one * size, -other * size]), axis=0))
