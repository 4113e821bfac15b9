"""Cases with tangents and second cotangents, for the tests of the bounds."""

import numpy as np

from bnconform import Case
from worlds.channel_regimes import TYPES, golden_case, hard_case, telling_case

VECTORS = ("dot_gamma", "dot_beta", "bar_dgamma", "bar_dbeta")


def extended(case, **directions):
    """Returns the Case with these fields besides, in its own dtype."""
    fields = {name: getattr(case, name) for name in case.__dataclass_fields__}
    return Case(**fields | {name: np.asarray(a).astype(TYPES[case.dtype]) for name, a in directions.items()})


def golden_second(seed, dtype, mode):
    """Returns golden_case with directions from a generator whose stream NumPy has frozen."""
    case, rng = golden_case(seed, dtype, mode), np.random.RandomState(seed + 1000)

    def drawn(*shape):
        return rng.randint(-999, 1000, shape) / 256

    tensors = {"dot_x": drawn(*case.x.shape) + 1, "bar_dx": drawn(*case.x.shape) - 1}
    return extended(case, **tensors, **{name: drawn(4) for name in VECTORS})


def along_h(case, rng, tensors=("dot_x", "bar_dx")):
    """Returns the Case with directions that have a mean and a component along h."""
    x = case.x.astype(float)
    with np.errstate(all="ignore"):
        z = np.nan_to_num((x - x.mean(0)) / np.where(x.std(0) > 0, x.std(0), 1), posinf=0, neginf=0)
    directions = {name: 1 + 0.8 * z + rng.standard_normal(x.shape) / 4 for name in tensors}
    return extended(case, **directions, **{name: rng.uniform(0.5, 2, x.shape[1]) for name in VECTORS})


def telling_second(dtype, mode="train", **more):
    """Returns telling_case with directions that show wrong formulas."""
    return along_h(telling_case(dtype, mode, **more), np.random.default_rng(1))


def hard_second(seed, dtype, m, mode, channels=64):
    """Returns hard_case with directions."""
    return along_h(hard_case(seed, dtype, m, mode, channels), np.random.default_rng(seed))
