"""Cases of many channels, each in its own regime, for the tests of the bounds."""

import ml_dtypes
import numpy as np

from bnconform import Case

TYPES = {"float16": np.float16, "bfloat16": ml_dtypes.bfloat16, "float32": np.float32, "float64": np.float64}
WIDE_SUMS = {"stats_dtype": "float32", "params_dtype": "float32"}
ARITHMETIC = {
    "float16": ("float16", "float16", {}),
    "bfloat16": ("bfloat16", "bfloat16", {}),
    "float32": ("float32", "float32", {}),
    "float64": ("float64", "float64", {}),
    "float16 by float32": ("float16", "float32", WIDE_SUMS),
    "bfloat16 by float32": ("bfloat16", "float32", WIDE_SUMS),
}
"""{name: (type of x, type of all else, what the Dialect declares)}"""
SCALES = {"float16": (-6, 3), "bfloat16": (-50, 30), "float32": (-70, 40), "float64": (-400, 300)}


def hard_case(seed, dtype, m, mode, channels=64):
    """Returns a Case with mean/spread from 0 to 1e4, constant channels and scales as the dtype allows, shuffled."""
    rng = np.random.default_rng(seed)

    def drawn(*shape):
        return rng.standard_normal(shape)

    def cast(array):
        return np.asarray(array).astype(TYPES[dtype])

    kappa = rng.choice([0, 0, 1, 10, 100, 1e3, 1e4], channels) * rng.choice([-1, 1], channels)
    ordinary = rng.random(channels) < 0.5
    low, high = SCALES[dtype]
    scale = np.where(ordinary, 1.0, np.exp2(rng.uniform(low, high, channels)))
    spread = np.where(rng.random(channels) < 0.1, 0.0, 1.0)
    shape = rng.choice(["normal", "lattice"])
    noise = drawn(m, channels) if shape == "normal" else rng.choice([-1.0, 1.0], (m, channels))
    limit = 3e4 if dtype == "float16" else 1e36 if dtype != "float64" else 1e300
    x = np.clip((noise * spread + kappa) * scale, -limit, limit)
    h = noise + rng.choice([0, 1.0])
    return Case(
        mode=mode,
        x=cast(x),
        gamma=cast(drawn(channels)),
        beta=cast(drawn(channels) * (rng.random(channels) < 0.7)),
        running_mean=cast(
            np.clip((drawn(channels) + kappa) * scale, -3e4, 3e4) if dtype == "float16" else kappa * scale
        ),
        running_var=cast(np.minimum((drawn(channels) * scale) ** 2, 3e4 if dtype == "float16" else 1e300)),
        eps=float(rng.choice([1e-5, 1e-3, 0.3])),
        momentum=float(rng.choice([0.1, 0.01, 0.9, 0.999, 1.0])),
        dy=cast(1 + 0.8 * h + drawn(m, channels)),
        shuffled=bool(rng.random() < 0.7),
    )


def golden_case(seed, dtype, mode):
    """Returns a Case of four channels from a generator whose stream NumPy has frozen."""
    rng = np.random.RandomState(seed)
    m = (2, 3, 5, 16, 33, 64, 100)[seed % 7]

    def drawn(*shape):
        return rng.randint(-999, 1000, shape) / 256

    def cast(array):
        return np.asarray(array).astype(TYPES[dtype])

    scale = 2.0 ** rng.randint(-6, 7, 4)
    offset = drawn(4) * (0, 1, 10, 100)[seed % 4]
    return Case(
        mode=mode,
        x=cast((drawn(m, 4) + offset) * scale),
        gamma=cast(drawn(4)),
        beta=cast(drawn(4)),
        running_mean=cast(drawn(4) * scale),
        running_var=cast((drawn(4) ** 2 + 0.01) * scale),
        eps=(1e-5, 1e-3)[seed % 2],
        momentum=(0.1, 0.3, 0.99)[seed % 3],
        dy=cast(drawn(m, 4) + 1),
        shuffled=bool(seed % 5),
    )


def telling_case(dtype, mode="train", m=6, kappa=3.0, eps=0.5):
    """Returns a Case that shows wrong formulas: variance near ε, few rows, a mean, g with a mean and along h."""
    rng = np.random.default_rng(0)
    noise = rng.standard_normal((m, 8)) * np.sqrt(eps)

    def cast(array):
        return np.asarray(array).astype(TYPES[dtype])

    return Case(
        mode=mode,
        x=cast(noise + kappa),
        gamma=cast(rng.uniform(1, 2, 8)),
        beta=cast(rng.uniform(-1, 1, 8)),
        running_mean=cast(rng.uniform(1, 2, 8)),
        running_var=cast(rng.uniform(0.3, 0.7, 8)),
        eps=eps,
        momentum=0.3,
        dy=cast(1 + 0.8 * noise / np.sqrt(eps) + rng.standard_normal((m, 8)) / 4),
        shuffled=True,
    )
