"""Equinox: `equinox.nn.BatchNorm` in its modes "ema" and "batch", under jax.vmap over the batch.

Rules: Equinox wants the channels first in each example, so they are moved there, and back. Its momentum weighs the old
statistics, so it receives 1 - momentum. Parameters and statistics have x's type, asked for by `dtype`. The
layer stands for an absent gamma or beta as documented: ones, zeros. Mode "ema" has no training by the batch but in a
layer's first step. Mode "batch" divides its averages by 1 - momentum^count in inference: running statistics alone are
those of a layer that has counted LONG steps already, and by then nothing is divided; a state counts from its first one.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import replace
from typing import Any, Literal

import equinox
import jax
import jax.numpy as jnp
import numpy as np

from bnconform.adapters._arrays import DEFAULTS, Parameters, parameters
from bnconform.adapters._jax import DEVICE, DISTRIBUTIONS, SHARDS, Forward, decay, named, run_compiled, settings
from bnconform.adapters._jax_shards import FEATURES as SHARDED
from bnconform.adapters._jax_shards import spread
from bnconform.contract.case import Case
from bnconform.contract.dialect import Dialect
from bnconform.contract.errors import Unsupported
from bnconform.contract.implementation import Implementation
from bnconform.contract.outcome import Outcome
from bnconform.contract.settings import Argument, Settings
from bnconform.contract.shards import batch_axis
from bnconform.contract.versions import installed

FITS = {"equinox": ">=0.13"}  # older layers take no `mode`
Mode = Literal["ema", "batch"]
Names = str | tuple[str, ...]
LONG = 2**40
"""So many steps that momentum^count is 0 in every type: nothing is divided by 1 - momentum^count any more."""
BY_ITS_AVERAGE = (
    "mode 'ema' normalizes a training step by its moving average of the batches, not by the batch, except for the"
    " first step of a new layer"
)


def _layer(
    mode: Mode, x: Any, params: Parameters, eps: Any, momentum: Any, axis: int, names: Names = "batch"
) -> tuple[Any, Any]:
    """Returns the layer and its state when it is new; names: of the axes that it takes its statistics over."""
    gamma, beta = params.gamma, params.beta
    layer, state = equinox.nn.make_with_state(equinox.nn.BatchNorm)(
        x.shape[axis],
        axis_name=names,
        channelwise_affine=gamma is not None or beta is not None,
        dtype=x.dtype,
        mode=mode,
    )
    if gamma is not None:
        layer = equinox.tree_at(lambda one: one.weight, layer, gamma)
    if beta is not None:
        layer = equinox.tree_at(lambda one: one.bias, layer, beta)
    for name, value in named(eps=eps, momentum=decay(momentum)).items():
        object.__setattr__(layer, name, value)  # traced: another value must not compile again
    return layer, state


def _indices(mode: Mode, layer: Any) -> tuple[Any, Any]:
    """Returns where the state of a layer holds what tells its first step, and its two averages."""
    if mode == "ema":
        return layer.ema_first_time_index, layer.ema_state_index
    return layer.batch_counter, layer.batch_state_index


def _with(layer: Any, state: Any, mode: Mode, count: Any, averages: tuple[Any, Any]) -> Any:
    """Returns a state with that count of steps and these averages."""
    counter, held = _indices(mode, layer)
    return state.set(counter, count).set(held, averages)


def _apply(layer: Any, state: Any, x: Any, train: bool, axis: int) -> tuple[Any, Any]:
    def one(x: Any, state: Any) -> Any:
        return layer(x, state, inference=not train)

    y, state = jax.vmap(one, axis_name="batch", in_axes=(0, None), out_axes=(0, None))(jnp.moveaxis(x, axis, 1), state)
    return jnp.moveaxis(y, 1, axis), state


def _part(layer: Any, train: bool, axis: int, x: Any, state: Any) -> tuple[Any, Any]:
    return _apply(layer, state, x, train, axis)


@functools.cache
def _forward(mode: Mode, train: bool, axis: int, shards: int = 0) -> Forward:
    def forward(x: Any, params: Parameters, eps: Any, momentum: Any) -> tuple[Any, tuple[Any, Any]]:
        layer, state = _layer(mode, x, params, eps, momentum, axis, ("batch", SHARDS) if shards else "batch")
        tracked = params.running_mean is not None
        if tracked:
            count = jnp.array(False) if mode == "ema" else jnp.array(LONG)
            state = _with(layer, state, mode, count, (params.running_mean, params.running_var))
        if shards:
            part, batch = functools.partial(_part, layer, train, axis), batch_axis(x.ndim, axis)
            y, after = spread(part, x, state, shards, batch, checked=False)
        else:
            y, after = _apply(layer, state, x, train, axis)
        return y, after.get(_indices(mode, layer)[1]) if tracked else (None, None)

    return forward


@functools.cache
def _step(mode: Mode, train: bool, axis: int) -> Callable[..., tuple[Any, ...]]:
    """Returns the compiled function from a state, None for a new layer, to y, the state after it and its statistics."""

    def step(x: Any, params: Parameters, eps: Any, momentum: Any, given: Any) -> tuple[Any, ...]:
        layer, state = _layer(mode, x, params, eps, momentum, axis)
        if given is not None:
            state = _with(layer, state, mode, *given)
        y, after = _apply(layer, state, x, train, axis)
        count, averages = (after.get(index) for index in _indices(mode, layer))
        if mode == "ema":
            return y, (count, averages), averages
        # What inference divides by, in its own words: the layer shows it nowhere.
        scale = jnp.where(count == 0, 1, 1 - layer.momentum**count)
        return y, (count, averages), tuple(average / scale for average in averages)

    compiled: Callable[..., tuple[Any, ...]] = jax.jit(step)
    return compiled


def _run(mode: Mode, case: Case) -> Outcome:
    params, train = parameters(case, case.x.dtype), case.mode == "train"
    if mode == "ema" and train and params.running_mean is not None:
        raise Unsupported(BY_ITS_AVERAGE)
    if case.state is None:
        return run_compiled(_forward(mode, train, case.axis, len(case.shards)), case, params)
    held = case.state
    # A Python number: weakly typed, as Equinox has its own count.
    given = (held["count"].item(), (held["mean"], held["var"])) if held else None
    with jax.disable_jit(case.eager):
        y, after, used = _step(mode, train, case.axis)(case.x, params, *settings(case), given)
    count, (mean, variance) = after
    state = {"count": np.asarray(count), "mean": np.asarray(mean), "var": np.asarray(variance)}
    return Outcome(y=np.asarray(y), running_mean=np.asarray(used[0]), running_var=np.asarray(used[1]), state=state)


def run_ema(case: Case) -> Outcome:
    """Runs equinox.nn.BatchNorm(mode="ema")."""
    return _run("ema", case)


def run_batch(case: Case) -> Outcome:
    """Runs equinox.nn.BatchNorm(mode="batch")."""
    return _run("batch", case)


DOCUMENTATION = "https://docs.kidger.site/equinox/api/nn/normalisation/#equinox.nn.BatchNorm"
SOURCE = "https://github.com/patrick-kidger/equinox/blob/v0.13.8/equinox/nn/_batch_norm.py"
EMA = Dialect(
    running_var="biased",
    average="first copy",
    links={"running_var": SOURCE + "#L213", "average": DOCUMENTATION},
)
BATCH = Dialect(average="debiased", links={"average": SOURCE + "#L247"})


SETTINGS = Settings(
    call="equinox.nn.BatchNorm",
    eps=Argument("eps", "1e-05", DOCUMENTATION),
    momentum=Argument("momentum", "0.99", DOCUMENTATION),
    weighs="old",
    affine=Argument("channelwise_affine", "True", DOCUMENTATION),
)

IMPLEMENTATIONS = [
    Implementation(
        name=f"equinox.nn.BatchNorm:{mode}",
        run=run,
        dialect=dialect,
        dtypes={"float16", "bfloat16", "float32", "float64"},
        compiled=True,
        version=equinox.__version__,
        versions=installed("equinox", *DISTRIBUTIONS),
        settings=replace(SETTINGS, fixed={"mode": repr(mode)}),
        devices={"cuda" if DEVICE.platform == "gpu" else "cpu"},
        features=DEFAULTS
        | SHARDED
        | {"eager", "tangents", "second_order", "third_order", "running_gradients", "state"},
    )
    for mode, run, dialect in [("ema", run_ema, EMA), ("batch", run_batch, BATCH)]
]
