"""Haiku: `haiku.BatchNorm`, transformed with its state and compiled.

Opt-in is the module with each example on a shard of its own (cross_replica_axis).

Rules: Haiku's decay weighs the old statistics, so it receives 1 - momentum; it has no default. Everything keeps x's
type, as the module asks for. Its averages begin at zero and are divided by 1 - decay^count, by a count of their own:
running statistics alone are those of a layer that has counted LONG steps already, after which nothing is divided any
more; a state counts from its first step.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from typing import Any, Literal

import haiku
import jax
import jax.numpy as jnp
import numpy as np

from bnconform.adapters._arrays import DEFAULT_EPS, Parameters, parameters
from bnconform.adapters._jax import DEVICE, DISTRIBUTIONS, SHARDS, Forward, by_example, named, run_compiled, settings
from bnconform.adapters._jax_shards import FEATURES as SHARDED
from bnconform.adapters._jax_shards import over_devices
from bnconform.contract.axes import along
from bnconform.contract.case import Case
from bnconform.contract.dialect import Dialect
from bnconform.contract.errors import Unsupported
from bnconform.contract.implementation import Implementation
from bnconform.contract.outcome import Outcome
from bnconform.contract.settings import Argument, Settings
from bnconform.contract.versions import installed

LONG = 2**30
"""So many steps that decay^count is 0 in every type, by far not so many that the counter, an int32, ends."""
MODULE = "batch_norm"
AVERAGES = (f"{MODULE}/~/mean_ema", f"{MODULE}/~/var_ema")
State = Mapping[str, Mapping[str, Any]]  # by module, then by name, as Haiku has it


def _transformed(
    x: Any, params: Parameters, eps: Any, decay: Any, train: bool, axis: int, shards: str | None = None
) -> tuple[haiku.TransformedWithState, dict[str, dict[str, Any]]]:
    """Returns the module as a pure function of its parameters and its state, and these parameters."""

    def normalize(x: Any) -> Any:
        layer = haiku.BatchNorm(
            create_scale=params.gamma is not None,
            create_offset=params.beta is not None,
            decay_rate=decay,
            axis=[other for other in range(x.ndim) if other != axis % x.ndim],
            cross_replica_axis=shards,
            **named(eps=eps),
        )
        return layer(x, is_training=train)

    weights = {"scale": params.gamma, "offset": params.beta}
    given = {name: along(value, x.ndim, axis) for name, value in weights.items() if value is not None}
    return haiku.transform_with_state(normalize), {MODULE: given}


def _populated(params: Parameters, rank: int, axis: int) -> State:
    """Returns the state of a layer whose averages are these after a long time; none where there are none."""
    if params.running_mean is None or params.running_var is None:
        return {}
    averages = (along(value, rank, axis) for value in (params.running_mean, params.running_var))
    counter = jnp.asarray(LONG, jnp.int32)
    return {
        name: {"counter": counter, "hidden": value, "average": value}
        for name, value in zip(AVERAGES, averages, strict=True)
    }


@functools.cache
def _forward(train: bool, axis: int, shards: str | None = None) -> Forward:
    def forward(x: Any, params: Parameters, eps: Any, momentum: Any) -> tuple[Any, tuple[Any, Any]]:
        function, weights = _transformed(x, params, eps, 1 - momentum, train, axis, shards)
        state = _populated(params, x.ndim, axis)
        if not state:  # a new layer, whose averages nobody asks for
            return function.apply(weights, function.init(None, x)[1], None, x)[0], (None, None)
        y, after = function.apply(weights, state, None, x)
        mean, variance = (after[name]["average"].reshape(-1) for name in AVERAGES)
        return y, (mean, variance)

    return forward


@functools.cache
def _by_example(train: bool, axis: int) -> Forward:
    shared = _forward(train, axis, SHARDS)

    def forward(x: Any, params: Parameters, eps: Any, momentum: Any) -> tuple[Any, tuple[Any, Any]]:
        return by_example(lambda one: shared(one, params, eps, momentum), x, axis)

    return forward


@functools.cache
def _step(train: bool, axis: int, shards: str | None) -> Callable[..., tuple[Any, State]]:
    """Returns the compiled function from a state, empty for a new layer, to y and the state after it."""

    def step(x: Any, params: Parameters, eps: Any, momentum: Any, state: State) -> tuple[Any, State]:
        function, weights = _transformed(x, params, eps, 1 - momentum, train, axis, shards)
        if not state:  # only training knows what a new state looks like
            state = _transformed(x, params, eps, 1 - momentum, True, axis, shards)[0].init(None, x)[1]
        y, after = function.apply(weights, state, None, x)
        return y, after

    def sharded(x: Any, *given: Any) -> tuple[Any, State]:
        return by_example(lambda one: step(one, *given), x, axis)

    compiled: Callable[..., tuple[Any, State]] = jax.jit(sharded if shards else step)
    return compiled


def _run_with_state(case: Case, params: Parameters, shards: str | None) -> Outcome:
    """Runs a layer from the case's state on; the arrays of a state are named by module and name."""
    given: dict[str, dict[str, Any]] = {}
    for name, array in (case.state or {}).items():
        module, _, own = name.rpartition("/")
        given.setdefault(module, {})[own] = array
    with jax.disable_jit(case.eager):
        y, after = _step(case.mode == "train", case.axis, shards)(case.x, params, *settings(case), given)
    state = {f"{module}/{name}": np.asarray(value) for module, own in after.items() for name, value in own.items()}
    mean, variance = (state[f"{name}/average"].reshape(-1) for name in AVERAGES)
    return Outcome(y=np.asarray(y), running_mean=mean, running_var=variance, state=state)


def run(case: Case, shards: str | None = None) -> Outcome:
    """Runs haiku.BatchNorm, with a name for cross_replica_axis by shards of one example each."""
    if case.mode == "train" and case.momentum == 0 and (case.running_mean is not None or case.state is not None):
        raise Unsupported("a decay of 1; haiku.ExponentialMovingAverage takes one in [0, 1)")
    params = parameters(case, case.x.dtype)
    if case.state is not None:
        return _run_with_state(case, params, shards)
    train = case.mode == "train"
    if case.shards:
        return run_compiled(over_devices(_forward(train, case.axis, SHARDS), case), case, params)
    return run_compiled(_by_example(train, case.axis) if shards else _forward(train, case.axis), case, params)


def run_sharded(case: Case) -> Outcome:
    """Runs haiku.BatchNorm(cross_replica_axis=…) with each example on a shard of its own."""
    return run(case, SHARDS)


SOURCE = "https://github.com/google-deepmind/dm-haiku/blob/v0.0.17/haiku/_src/"
JAX_MEAN = "https://github.com/jax-ml/jax/blob/jax-v0.10.2/jax/_src/numpy/reductions.py#L906-L922"
LINKS = {
    "running_var": SOURCE + "batch_norm.py#L169-L188",
    "variance": SOURCE + "batch_norm.py#L170-L181",
    "clamps_variance": SOURCE + "batch_norm.py#L181",
    "average": SOURCE + "moving_averages.py#L43-L44",
}
DIALECT = Dialect(running_var="biased", variance="one-pass", clamps_variance=False, average="debiased", links=LINKS)


def _sixteen_bits(dtype: Literal["float16", "bfloat16"]) -> Dialect:
    """Returns the Dialect of a 16-bit `dtype`: means are summed in float32 and returned, like all else, in `dtype`."""
    elementwise = SOURCE + "batch_norm.py#L169-L206"
    return Dialect(
        running_var="biased",
        variance="one-pass",
        clamps_variance=False,
        average="debiased",
        stats_dtype="float32",
        stored_dtype=dtype,
        elementwise_dtype=dtype,
        cotangent_dtype=dtype,
        links={
            **LINKS,
            "stats_dtype": JAX_MEAN,
            "stored_dtype": JAX_MEAN,
            "elementwise_dtype": elementwise,
            "cotangent_dtype": elementwise,
        },
    )


DOCUMENTATION = "https://dm-haiku.readthedocs.io/en/latest/api.html#haiku.BatchNorm"
SETTINGS = Settings(
    call="haiku.BatchNorm",
    eps=Argument("eps", "1e-05", DOCUMENTATION),
    momentum=Argument("decay_rate", "", DOCUMENTATION),
    weighs="old",
    scale=Argument("create_scale", "", DOCUMENTATION),
    shift=Argument("create_offset", "", DOCUMENTATION),
    axis=Argument("data_format", "'channels_last'", DOCUMENTATION),
    layouts={"-1": "'channels_last'", "1": "'channels_first'"},
)

FEATURES = DEFAULT_EPS | {"tangents", "second_order", "third_order", "running_gradients", "state"}
IMPLEMENTATIONS = [
    Implementation(
        name=name,
        run=run,
        dialect=DIALECT,
        by_dtype={"float16": _sixteen_bits("float16"), "bfloat16": _sixteen_bits("bfloat16")},
        dtypes=dtypes,
        compiled=True,
        version=haiku.__version__,
        versions=installed("dm-haiku", *DISTRIBUTIONS),
        settings=SETTINGS,
        devices={"cuda" if DEVICE.platform == "gpu" else "cpu"},
        features=features,
        opt_in=opt_in,
    )
    for name, run, dtypes, features, opt_in in [
        (
            "haiku.BatchNorm",
            run,
            {"float16", "bfloat16", "float32", "float64"},
            FEATURES | SHARDED | {"eager"},
            False,
        ),
        ("haiku.BatchNorm:cross_replica", run_sharded, {"float32"}, FEATURES, True),
    ]
]
