"""Flax: `flax.linen.BatchNorm` as it comes (one-pass variance) and with use_fast_variance=False.

Rules: Flax's momentum weighs the old statistics, so it receives 1 - momentum. 16-bit inputs keep parameters and
statistics in float32, Flax's own default, and `dtype` asks for the result in x's type. The statistics of the batch are
what a running average with a decay of 0 returns.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping
from typing import Any

import flax
import jax
import numpy as np
from flax import linen

from bnconform.adapters._arrays import Parameters, at_least_float32, by_state, parameters, with_state
from bnconform.adapters._jax import DEVICE, Forward, run_compiled, run_for_statistics
from bnconform.case import Case, Outcome
from bnconform.dialect import Dialect, Implementation


@functools.cache
def _forward(fast: bool, train: bool, axis: int) -> Forward:
    def forward(x: Any, params: Parameters, eps: Any, momentum: Any, mask: Any = None) -> tuple[Any, tuple[Any, Any]]:
        gamma, beta, mean, var = params
        layer = linen.BatchNorm(
            use_running_average=not train,
            axis=axis,
            momentum=1 - momentum,
            epsilon=eps,
            dtype=x.dtype,
            param_dtype=at_least_float32(x.dtype),
            use_scale=gamma is not None,
            use_bias=beta is not None,
            use_fast_variance=fast,
        )
        state = {name: value for name, value in (("mean", mean), ("var", var)) if value is not None}
        weights = {name: value for name, value in (("scale", gamma), ("bias", beta)) if value is not None}
        y, new = layer.apply({"params": weights, "batch_stats": state}, x, mutable=["batch_stats"], mask=mask)
        tracked = new["batch_stats"] if state else {}
        return y, (tracked.get("mean"), tracked.get("var"))

    return forward


@functools.cache
def _initial(fast: bool, axis: int, shape: tuple[int, ...], dtype: np.dtype) -> Mapping[str, np.ndarray]:
    """Returns the batch_stats of a new layer."""
    kept = at_least_float32(dtype)
    layer = linen.BatchNorm(use_running_average=True, axis=axis, dtype=dtype, param_dtype=kept, use_fast_variance=fast)
    variables = layer.init(jax.random.key(0), np.zeros(shape, dtype))
    return {name: np.asarray(value) for name, value in variables["batch_stats"].items()}


def _run(fast: bool, case: Case) -> Outcome:
    params = parameters(case, at_least_float32(case.x.dtype))
    if case.state is not None:
        state = case.state or _initial(fast, case.axis, case.x.shape, case.x.dtype)
        params = by_state(params, state, "mean", "var")
    masked = {} if case.mask is None else {"mask": case.mask}
    run = run_for_statistics if "batch_statistics" in case.needs else run_compiled
    found = run(_forward(fast, case.mode == "train", case.axis), case, params, **masked)
    return with_state(case, found, "mean", "var")


def run_fast(case: Case) -> Outcome:
    """Runs flax.linen.BatchNorm as it comes."""
    return _run(True, case)


def run_two_pass(case: Case) -> Outcome:
    """Runs flax.linen.BatchNorm(use_fast_variance=False)."""
    return _run(False, case)


DOCUMENTATION = "https://flax.readthedocs.io/en/latest/api_reference/flax.linen/layers.html#flax.linen.BatchNorm"
SOURCE = "https://github.com/google/flax/blob/v0.12.8/flax/linen/normalization.py"


def _dialect(fast: bool) -> Dialect:
    return Dialect(
        running_var="biased",
        variance="one-pass" if fast else "two-pass",
        stats_dtype="float32",
        params_dtype="float32",
        rounded_branches=True,
        links={
            "running_var": SOURCE + "#L404",
            "variance": DOCUMENTATION,
            "stats_dtype": SOURCE + "#L74",
            "params_dtype": DOCUMENTATION,
            "rounded_branches": SOURCE + "#L114-L205",
        },
    )


IMPLEMENTATIONS = [
    Implementation(
        name=name,
        run=run,
        dialect=_dialect(fast),
        dtypes={"float16", "bfloat16", "float32", "float64"},
        compiled=True,
        version=flax.__version__,
        devices={"cuda" if DEVICE.platform == "gpu" else "cpu"},
        features={
            "eager",
            "mask",
            "tangents",
            "second_order",
            "third_order",
            "batch_statistics",
            "running_gradients",
            "state",
        },
    )
    for name, run, fast in [
        ("flax.linen.BatchNorm", run_fast, True),
        ("flax.linen.BatchNorm:two_pass", run_two_pass, False),
    ]
]
