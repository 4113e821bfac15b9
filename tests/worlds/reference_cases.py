"""Cases for the reference: data of a given κ and spread, in every dtype."""

import ml_dtypes
import numpy as np

from bnconform import Case

TYPES = {"float16": np.float16, "bfloat16": ml_dtypes.bfloat16, "float32": np.float32, "float64": np.float64}


def make(seed, m, kappa=0.0, scale=1.0, *, dtype="float64", mode="train", g_scale=1.0, channels=2, **changes):
    """Returns a Case whose data have mean/spread `kappa` and spread `scale`."""
    rng = np.random.default_rng(seed)

    def drawn(*shape):
        return rng.standard_normal(shape)

    def cast(array):
        return np.asarray(array).astype(TYPES[dtype])

    fields = {
        "mode": mode,
        "x": cast((drawn(m, channels) + kappa) * scale),
        "gamma": cast(drawn(channels)),
        "beta": cast(drawn(channels)),
        "running_mean": cast((drawn(channels) + kappa) * scale),
        "running_var": cast(drawn(channels) ** 2 * min(scale, 1e15) ** 2),
        "eps": (1e-5, 1e-3, 1e-12)[seed % 3],
        "momentum": (0.1, 0.3, 0.99)[seed % 3],
        "dy": cast((drawn(m, channels) + 0.5) * g_scale),
    }
    return Case(**{**fields, **changes})
