"""Cases that tell whether an adapter is wired rightly, and how near it must come."""

from __future__ import annotations

import numpy as np
import pytest
from ml_dtypes import bfloat16

from bnconform import Case
from bnconform.contract.address import Address, NotInstalled
from bnconform.contract.implementation import Described
from bnconform.host.client import Host

TOLERANCE = {"float16": 2e-2, "bfloat16": 1e-1, "float32": 1e-4, "float64": 1e-10}


FLOAT64_IN_FLOAT32 = {  # https://github.com/keras-team/keras/issues/23704; the harness reports it, as a finding
    "keras.layers.BatchNormalization@torch",
    "keras.layers.BatchNormalization@jax",
}


def draw(shape: tuple[int, ...], axis: int, dtype: str, mode: str = "train") -> Case:
    """Returns a case with everything in it and nothing that could be mistaken for something else."""
    rng = np.random.default_rng(len(shape) + axis)
    x, dy = rng.normal(0.5, 1.5, shape), rng.normal(0.25, 1, shape)
    channels = rng.normal(size=(4, shape[axis]))
    channels[3] = np.abs(channels[3]) + 0.5
    gamma, beta, mean, var = (row.astype(numpy_dtype(dtype)) for row in channels)
    x, dy = x.astype(numpy_dtype(dtype)), dy.astype(numpy_dtype(dtype))
    return Case(mode=mode, x=x, gamma=gamma, beta=beta, running_mean=mean, running_var=var,
                eps=0.0625, momentum=0.25, axis=axis, dy=dy)  # fmt: skip


def numpy_dtype(dtype: str) -> np.dtype:
    return np.dtype(bfloat16 if dtype == "bfloat16" else dtype)


def installed_of(adapter: str) -> list[Described]:
    """Returns what the adapter, a module, offers; skips the test where what it wraps is not installed."""
    with Host(Address(target=adapter, namespace="", named=False)) as host:
        try:
            return host.describe()
        except NotInstalled as error:
            pytest.skip(str(error))
