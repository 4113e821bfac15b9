"""Flax NNX: `flax.nnx.BatchNorm` as it comes (one-pass variance) and with use_fast_variance=False.

Rules: those of the adapter of flax.linen. A layer is made anew in each call and given the parameters and statistics of
the case as its own variables. A batch that is shared out lies on several devices, with axis_name.
"""

from __future__ import annotations

import functools
from dataclasses import replace
from typing import Any, Literal

import flax
import jax.numpy as jnp
import numpy as np
from flax import nnx

from bnconform.adapters._arrays import DEFAULTS, Parameters, at_least_float32, by_state, parameters, with_state
from bnconform.adapters._jax import DEVICE, DISTRIBUTIONS, SHARDS, Forward, decay, named, run_compiled
from bnconform.adapters._jax_shards import FEATURES as SHARDED
from bnconform.adapters._jax_shards import over_devices
from bnconform.contract.case import Case
from bnconform.contract.dialect import Dialect
from bnconform.contract.implementation import Implementation
from bnconform.contract.outcome import Outcome
from bnconform.contract.settings import Argument, Settings
from bnconform.contract.versions import installed


def _layer(fast: bool, train: bool, axis: int, channels: int, dtype: np.dtype, **settings: Any) -> nnx.BatchNorm:
    return nnx.BatchNorm(
        channels,
        use_running_average=not train,
        axis=axis,
        dtype=dtype,
        param_dtype=at_least_float32(dtype),
        use_fast_variance=fast,
        rngs=nnx.Rngs(0),
        **settings,
    )


@functools.cache
def _forward(fast: bool, train: bool, axis: int, shards: str | None = None) -> Forward:
    def forward(
        x: Any, params: Parameters, eps: Any, momentum: Any, mask: Any = None, earlier: Any = None
    ) -> tuple[Any, tuple[Any, Any]]:
        gamma, beta, mean, variance = params
        settings = named(epsilon=eps, momentum=decay(momentum))
        settings |= {"use_scale": gamma is not None, "use_bias": beta is not None, "axis_name": shards}
        layer = _layer(fast, train, axis, x.shape[axis], x.dtype, **settings)
        if gamma is not None:
            layer.scale = nnx.Param(gamma)
        if beta is not None:
            layer.bias = nnx.Param(beta)
        if mean is not None:
            layer.mean, layer.var = nnx.BatchStat(jnp.asarray(mean)), nnx.BatchStat(jnp.asarray(variance))
        if earlier is not None:
            for change in (layer.train, layer.eval) if train else (layer.eval, layer.train):
                change()
                layer(earlier)
            (layer.train if train else layer.eval)()
        y = layer(x, mask=mask)
        return y, (None, None) if mean is None else (layer.mean[...], layer.var[...])

    return forward


@functools.cache
def _initial(fast: bool, axis: int, channels: int, dtype: np.dtype) -> dict[str, np.ndarray]:
    """Returns the statistics of a new layer."""
    layer = _layer(fast, True, axis, channels, dtype)
    return {"mean": np.asarray(layer.mean[...]), "var": np.asarray(layer.var[...])}


def _run(fast: bool, case: Case) -> Outcome:
    params = parameters(case, at_least_float32(case.x.dtype))
    if case.state is not None:
        state = case.state or _initial(fast, case.axis, case.channels, case.x.dtype)
        params = by_state(params, state, "mean", "var")
    more = {name: array for name, array in (("mask", case.mask), ("earlier", case.earlier)) if array is not None}
    forward = _forward(fast, case.mode == "train", case.axis, SHARDS if case.shards else None)
    found = run_compiled(over_devices(forward, case) if case.shards else forward, case, params, **more)
    return with_state(case, found, "mean", "var")


def run_fast(case: Case) -> Outcome:
    """Runs flax.nnx.BatchNorm as it comes."""
    return _run(True, case)


def run_two_pass(case: Case) -> Outcome:
    """Runs flax.nnx.BatchNorm(use_fast_variance=False)."""
    return _run(False, case)


DOCUMENTATION = "https://flax.readthedocs.io/en/latest/api_reference/flax.nnx/nn/normalization.html#flax.nnx.BatchNorm"
SOURCE = "https://github.com/google/flax/blob/v0.12.8/flax/nnx/nn/normalization.py"


PROMOTION = SOURCE + "#L385-L387"


def _dialect(fast: bool, dtype: str | None = None) -> Dialect:
    """Returns the Dialect of wide types, or of a 16-bit `dtype`.

    All arguments and variables are cast to it, and gradients on their way back through the cast. The
    statistics of a batch are computed from it in float32, and their averages kept so.
    """
    links = {"running_var": SOURCE + "#L404-L409", "variance": DOCUMENTATION}
    variance: Literal["one-pass", "two-pass"] = "one-pass" if fast else "two-pass"
    if dtype is None:
        return Dialect(running_var="biased", variance=variance, links=links)
    narrow = ("elementwise_dtype", "cotangent_dtype")
    links |= dict.fromkeys(narrow, PROMOTION)
    links |= {"stats_dtype": SOURCE + "#L95-L98", "running_dtype": SOURCE + "#L314", "rounded_branches": PROMOTION}
    return Dialect(
        running_var="biased",
        variance=variance,
        stats_dtype="float32",
        elementwise_dtype=dtype,
        cotangent_dtype=dtype,
        running_dtype="float32",
        rounded_branches=True,
        links=links,
    )


SETTINGS = Settings(
    call="flax.nnx.BatchNorm",
    eps=Argument("epsilon", "1e-05", DOCUMENTATION),
    momentum=Argument("momentum", "0.99", DOCUMENTATION),
    weighs="old",
    scale=Argument("use_scale", "True", DOCUMENTATION),
    shift=Argument("use_bias", "True", DOCUMENTATION),
    axis=Argument("axis", "-1", DOCUMENTATION),
)
TWO_PASS_SETTINGS = replace(SETTINGS, fixed={"use_fast_variance": "False"})

USES = {"checkpointed", "earlier", "wanted"}
DERIVATIVES = {"tangents", "second_order", "third_order", "running_gradients"}
FEATURES = DEFAULTS | DERIVATIVES | USES | {"eager", "malformed", "mask", "state", "wide_parameters"}
IMPLEMENTATIONS = [
    Implementation(
        name=name,
        run=run,
        dialect=_dialect(fast),
        by_dtype={dtype: _dialect(fast, dtype) for dtype in ("float16", "bfloat16")},
        dtypes={"float16", "bfloat16", "float32", "float64"},
        compiled=True,
        version=flax.__version__,
        versions=installed("flax", *DISTRIBUTIONS),
        settings=SETTINGS if fast else TWO_PASS_SETTINGS,
        devices={"cuda" if DEVICE.platform == "gpu" else "cpu"},
        features=FEATURES | SHARDED,
        opt_in=not fast,
    )
    for name, run, fast in [
        ("flax.nnx.BatchNorm", run_fast, True),
        ("flax.nnx.BatchNorm:two_pass", run_two_pass, False),
    ]
]
