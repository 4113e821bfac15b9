"""Flax: `flax.linen.BatchNorm` as it comes (one-pass variance) and with use_fast_variance=False.

Opt-in are the layer without jax.jit, with each example on a shard of its own (axis_name) and, for 16 bits, with
force_float32_reductions=False. A batch that is shared out lies on several devices, with axis_name.

Rules: Flax's momentum weighs the old statistics, so it receives 1 - momentum. 16-bit inputs keep parameters and
statistics in float32, Flax's own default, and `dtype` asks for the result in x's type. The statistics of the batch are
read off a running average with a decay of 0.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, Literal

import flax
import jax
import numpy as np
from flax import linen

from bnconform.adapters._arrays import DEFAULTS, Parameters, at_least_float32, by_state, parameters, with_state
from bnconform.adapters._jax import (
    DEVICE,
    DISTRIBUTIONS,
    SHARDS,
    Forward,
    by_example,
    decay,
    eagerly,
    named,
    run_compiled,
    run_for_statistics,
    snippet,
)
from bnconform.adapters._jax_shards import FEATURES as SHARDED
from bnconform.adapters._jax_shards import over_devices
from bnconform.contract.case import Case
from bnconform.contract.dialect import Dialect
from bnconform.contract.implementation import Implementation
from bnconform.contract.outcome import Outcome
from bnconform.contract.settings import Argument, Settings
from bnconform.contract.snippet import Snippet
from bnconform.contract.versions import installed

Options = tuple[tuple[str, Any], ...]
"""Arguments of a layer beside the settings of the case."""
SHARED: Options = (("axis_name", SHARDS),)


@functools.cache
def _forward(options: Options, train: bool, axis: int) -> Forward:
    def forward(x: Any, params: Parameters, eps: Any, momentum: Any, mask: Any = None) -> tuple[Any, tuple[Any, Any]]:
        gamma, beta, mean, var = params
        layer = linen.BatchNorm(
            use_running_average=not train,
            axis=axis,
            dtype=x.dtype,
            param_dtype=at_least_float32(x.dtype),
            use_scale=gamma is not None,
            use_bias=beta is not None,
            **named(epsilon=eps, momentum=decay(momentum)),
            **dict(options),
        )
        state = {name: value for name, value in (("mean", mean), ("var", var)) if value is not None}
        weights = {name: value for name, value in (("scale", gamma), ("bias", beta)) if value is not None}
        y, new = layer.apply({"params": weights, "batch_stats": state}, x, mutable=["batch_stats"], mask=mask)
        tracked = new["batch_stats"] if state else {}
        return y, (tracked.get("mean"), tracked.get("var"))

    return forward


@functools.cache
def _by_example(train: bool, axis: int) -> Forward:
    shared = _forward(SHARED, train, axis)

    def forward(x: Any, params: Parameters, eps: Any, momentum: Any) -> tuple[Any, tuple[Any, Any]]:
        return by_example(lambda one: shared(one, params, eps, momentum), x, axis)

    return forward


@functools.cache
def _initial(options: Options, axis: int, shape: tuple[int, ...], dtype: np.dtype) -> Mapping[str, np.ndarray]:
    """Returns the batch_stats of a new layer."""
    kept = at_least_float32(dtype)
    layer = linen.BatchNorm(use_running_average=True, axis=axis, dtype=dtype, param_dtype=kept, **dict(options))
    variables = layer.init(jax.random.key(0), np.zeros(shape, dtype))
    return {name: np.asarray(value) for name, value in variables["batch_stats"].items()}


def _forward_of(case: Case, options: Options) -> Forward:
    train = case.mode == "train"
    if case.shards:
        return over_devices(_forward((*options, *SHARED), train, case.axis), case)
    return _by_example(train, case.axis) if options == SHARED else _forward(options, train, case.axis)


def run(case: Case, *options: tuple[str, Any]) -> Outcome:
    """Runs flax.linen.BatchNorm with these options."""
    params = parameters(case, at_least_float32(case.x.dtype))
    if case.state is not None:
        state = case.state or _initial(options, case.axis, case.x.shape, case.x.dtype)
        params = by_state(params, state, "mean", "var")
    masked = {} if case.mask is None else {"mask": case.mask}
    run = run_for_statistics if "batch_statistics" in case.needs else run_compiled
    found = run(_forward_of(case, options), case, params, **masked)
    return with_state(case, found, "mean", "var")


def run_two_pass(case: Case) -> Outcome:
    """Runs flax.linen.BatchNorm(use_fast_variance=False)."""
    return run(case, ("use_fast_variance", False))


def run_sharded(case: Case) -> Outcome:
    """Runs flax.linen.BatchNorm(axis_name=…) with each example on a shard of its own."""
    return run(case, *SHARED)


def run_narrow(case: Case) -> Outcome:
    """Runs flax.linen.BatchNorm(force_float32_reductions=False)."""
    return run(case, ("force_float32_reductions", False))


DOCUMENTATION = "https://flax.readthedocs.io/en/latest/api_reference/flax.linen/layers.html#flax.linen.BatchNorm"
SOURCE = "https://github.com/google/flax/blob/v0.12.8/flax/linen/normalization.py"
JAX_MEAN = "https://github.com/jax-ml/jax/blob/jax-v0.10.2/jax/_src/numpy/reductions.py#L906-L922"


STORED = {"running_var": SOURCE + "#L404", "variance": DOCUMENTATION, "params_dtype": DOCUMENTATION}


SETTINGS = Settings(
    call="flax.linen.BatchNorm",
    eps=Argument("epsilon", "1e-05", DOCUMENTATION),
    momentum=Argument("momentum", "0.99", DOCUMENTATION),
    weighs="old",
    scale=Argument("use_scale", "True", DOCUMENTATION),
    shift=Argument("use_bias", "True", DOCUMENTATION),
    axis=Argument("axis", "-1", DOCUMENTATION),
)
TWO_PASS_SETTINGS = replace(SETTINGS, fixed={"use_fast_variance": "False"})


SNIPPET = """\
def forward(x, params, eps, momentum):
    gamma, beta, mean, var = params
    layer = linen.BatchNorm(
        use_running_average=MODE != "train",
        axis=AXIS,
        momentum=1 - momentum,
        epsilon=eps,
        dtype=x.dtype,
        param_dtype=WIDE,
        use_scale=gamma is not None,
        use_bias=beta is not None,
        use_fast_variance=FAST,
    )
    state = {name: value for name, value in (("mean", mean), ("var", var)) if value is not None}
    weights = {name: value for name, value in (("scale", gamma), ("bias", beta)) if value is not None}
    y, new = layer.apply({"params": weights, "batch_stats": state}, x, mutable=["batch_stats"])
    tracked = new["batch_stats"] if state else {}
    return y, (tracked.get("mean"), tracked.get("var"))
"""


def _snippet(fast: bool) -> Snippet:
    imports = "import numpy as np\nfrom flax import linen"
    return snippet("flax, jax", SNIPPET.replace("FAST", repr(fast)), imports=imports)


def _dialect(variance: Literal["one-pass", "two-pass"] = "one-pass") -> Dialect:
    return Dialect(
        running_var="biased",
        variance=variance,
        stats_dtype="float32",
        params_dtype="float32",
        rounded_branches=True,
        links={**STORED, "stats_dtype": SOURCE + "#L74", "rounded_branches": SOURCE + "#L114-L205"},
    )


def _narrow(dtype: str) -> Dialect:
    """Returns the Dialect of a 16-bit `dtype` that nothing is promoted from; jax.numpy sums its means in float32."""
    narrow = ("stored_dtype", "elementwise_dtype", "cotangent_dtype", "rounded_branches")
    return Dialect(
        running_var="biased",
        variance="one-pass",
        stats_dtype="float32",
        stored_dtype=dtype,
        elementwise_dtype=dtype,
        cotangent_dtype=dtype,
        params_dtype="float32",
        rounded_branches=True,
        links={**STORED, "stats_dtype": JAX_MEAN, **dict.fromkeys(narrow, SOURCE + "#L97-L98")},
    )


def _implementation(name: str, run: Callable[[Case], Outcome], dialect: Dialect, **more: Any) -> Implementation:
    settings = {
        "dtypes": {"float16", "bfloat16", "float32", "float64"},
        "features": FEATURES,
        "settings": SETTINGS,
        "versions": installed("flax", *DISTRIBUTIONS),
        **more,
    }
    device = "cuda" if DEVICE.platform == "gpu" else "cpu"
    return Implementation(
        name=name, run=run, dialect=dialect, compiled=True, version=flax.__version__, devices={device}, **settings
    )


DERIVATIVES = {"tangents", "second_order", "third_order", "batch_statistics", "running_gradients"}
FEATURES = DEFAULTS | DERIVATIVES | {"checkpointed", "malformed", "mask", "wanted", "wide_parameters"}
IMPLEMENTATIONS = [
    _implementation(
        "flax.linen.BatchNorm",
        run,
        _dialect(),
        features=FEATURES | SHARDED | {"eager", "state"},
        snippet=_snippet(True),
    ),
    _implementation(
        "flax.linen.BatchNorm:two_pass",
        run_two_pass,
        _dialect("two-pass"),
        features=FEATURES | SHARDED | {"eager", "state"},
        settings=TWO_PASS_SETTINGS,
        snippet=_snippet(False),
        opt_in=True,
    ),
    _implementation(  # a hundred calls of XLA for each derivative: y, running statistics and gradients alone
        "flax.linen.BatchNorm:eager",
        eagerly(run),
        _dialect(),
        dtypes={"float32"},
        features=DEFAULTS,
        opt_in=True,
    ),
    _implementation(
        "flax.linen.BatchNorm:axis_name",
        run_sharded,
        _dialect(),
        dtypes={"float32"},
        features=FEATURES - {"mask"},
        opt_in=True,
    ),
    _implementation(
        "flax.linen.BatchNorm:narrow_reductions",
        run_narrow,
        _narrow("bfloat16"),
        by_dtype={"float16": _narrow("float16")},
        dtypes={"float16", "bfloat16"},
        features=DEFAULTS | {"state"},
        opt_in=True,
    ),
]
