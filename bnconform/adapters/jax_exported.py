"""JAX's way out of Python: jax.export of `jax.nn.standardize` with a scale and a shift, as StableHLO, read back.

Rules: those of `_jax`. Each shape is exported with its derivatives, written to bytes and read from them, and what was
read answers. Epsilon enters in x's type, since what is exported has no weak types: that suits float32 and float64.
"""

from __future__ import annotations

import functools
from typing import Any

import jax
import jax.export
import jax.numpy as jnp

from bnconform.adapters import jax as plain
from bnconform.adapters._arrays import Parameters, parameters
from bnconform.adapters._jax import DEVICE, DISTRIBUTIONS, Forward, run_compiled
from bnconform.contract.case import Case
from bnconform.contract.dialect import Dialect
from bnconform.contract.implementation import Implementation
from bnconform.contract.outcome import Outcome
from bnconform.contract.settings import Settings
from bnconform.contract.versions import installed

DERIVATIVES = 2
"""The order up to which what is exported can be derived."""


@functools.lru_cache(maxsize=200)
def _loaded(train: bool, axis: int, shapes: tuple[Any, ...]) -> Any:
    """Returns what comes back of a program for arrays of these shapes, as jax.export.deserialize gives it."""
    forward = plain._forward((), train, axis)

    def normalize(x: Any, params: tuple[Any, ...], eps: Any) -> Any:
        return forward(x, Parameters(*params), eps, None)[0]

    x, params, eps = shapes
    exported = jax.export.export(jax.jit(normalize))(x, params, eps)
    return jax.export.deserialize(exported.serialize(vjp_order=DERIVATIVES))


@functools.cache
def _through_bytes(train: bool, axis: int) -> Forward:
    def forward(x: Any, params: Parameters, eps: Any, momentum: Any) -> tuple[Any, tuple[None, None]]:
        arrays = (x, tuple(params), jnp.asarray(eps, x.dtype))
        shapes = jax.tree.map(lambda one: jax.ShapeDtypeStruct(one.shape, one.dtype), arrays)
        return _loaded(train, axis, shapes).call(*arrays), (None, None)

    return forward


def run(case: Case) -> Outcome:
    """Runs the program that was exported for cases like this one."""
    return run_compiled(_through_bytes(case.mode == "train", case.axis), case, parameters(case, case.x.dtype))


IMPLEMENTATIONS = [
    Implementation(
        name="jax.export:standardize",
        run=run,
        dialect=Dialect(variance="one-pass", links={"variance": plain.DOCUMENTATION}),
        dtypes={"float32", "float64"},
        compiled=True,
        opt_in=True,
        version=jax.__version__,
        versions=installed(*DISTRIBUTIONS),
        settings=Settings(call="jax.export", reduced=True, channels=-1, offers=("training", "inference", "gradients")),
        devices={"cuda" if DEVICE.platform == "gpu" else "cpu"},
        features={"second_order", "running_gradients"},
    )
]
