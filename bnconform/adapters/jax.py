"""JAX: `jax.nn.standardize` composed with a scale and a shift, with its two algorithms for the variance.

Opt-in is the function of one channel under jax.vmap.

Rules: channels stay on their axis. Inference passes the running statistics as the arguments `mean` and `variance`;
the running average itself is the caller's in JAX, so no running statistic is offered. Everything keeps x's type.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from dataclasses import replace
from typing import Any, Literal

import jax

from bnconform.adapters._arrays import DEFAULT_EPS, Parameters, parameters
from bnconform.adapters._jax import DEVICE, DISTRIBUTIONS, Forward, named, run_compiled, snippet
from bnconform.contract.axes import along
from bnconform.contract.case import Case
from bnconform.contract.dialect import Dialect
from bnconform.contract.errors import Unsupported
from bnconform.contract.implementation import Implementation
from bnconform.contract.outcome import Outcome
from bnconform.contract.settings import Argument, Settings
from bnconform.contract.snippet import Snippet
from bnconform.contract.versions import installed

Options = tuple[tuple[str, str], ...]
Variance = Literal["two-pass", "one-pass"]


@functools.cache
def _forward(options: Options, train: bool, axis: int) -> Forward:
    def forward(x: Any, params: Parameters, eps: Any, momentum: Any) -> tuple[Any, tuple[None, None]]:
        gamma, beta, mean, variance = (None if p is None else along(p, x.ndim, axis) for p in params)
        others = tuple(i for i in range(x.ndim) if i != axis % x.ndim)
        given: dict[str, Any] = dict(options) if train else {"mean": mean, "variance": variance}
        y = jax.nn.standardize(x, others, **named(epsilon=eps), **given)
        y = y if gamma is None else y * gamma
        return y if beta is None else y + beta, (None, None)

    return forward


@functools.cache
def _mapped(train: bool, axis: int) -> Forward:
    def forward(x: Any, params: Parameters, eps: Any, momentum: Any) -> tuple[Any, tuple[None, None]]:
        def one(x: Any, gamma: Any, beta: Any, mean: Any, variance: Any) -> Any:
            given = {} if train else {"mean": mean, "variance": variance}
            y = jax.nn.standardize(x, tuple(range(x.ndim)), **named(epsilon=eps), **given)
            y = y if gamma is None else y * gamma
            return y if beta is None else y + beta

        given = [None if value is None else 0 for value in params]
        return jax.vmap(one, in_axes=(axis, *given), out_axes=axis)(x, *params), (None, None)

    return forward


def run_mapped(case: Case) -> Outcome:
    """Runs jax.nn.standardize of one channel, mapped over the channels."""
    params = parameters(case, case.x.dtype)
    return run_compiled(_mapped(case.mode == "train", case.axis), case, params)


def run(case: Case, *options: tuple[str, str]) -> Outcome:
    """Runs jax.nn.standardize with these further arguments."""
    word = case.malformed or ""
    if word.endswith("single") or word.startswith(("gamma", "beta")):
        raise Unsupported("scale and shift are the caller's own, and statistics may be those over all axes")
    params = parameters(case, case.x.dtype)
    return run_compiled(_forward(options, case.mode == "train", case.axis), case, params)


def run_stable(case: Case) -> Outcome:
    """Runs jax.nn.standardize(algorithm="stable"): variance mean((x - mean(x))²)."""
    return run(case, ("algorithm", "stable"))


DOCUMENTATION = "https://docs.jax.dev/en/latest/_autosummary/jax.nn.standardize.html"
SOURCE = "https://github.com/jax-ml/jax/blob/jax-v0.10.2/jax/_src/"


SETTINGS = Settings(
    call="jax.nn.standardize",
    eps=Argument("epsilon", "1e-05", DOCUMENTATION),
    axis=Argument("axis", "-1", DOCUMENTATION),
    reduced=True,
    channels=-1,
    offers=("training", "inference", "gradients"),
)
STABLE_SETTINGS = replace(SETTINGS, fixed={"algorithm": "'stable'"})


SNIPPET = """\
def along(value):
    shape = [1] * VALUES["x"].ndim
    shape[AXIS] = -1
    return None if value is None else value.reshape(shape)


def forward(x, params, eps, momentum):
    gamma, beta, mean, var = map(along, params)
    others = tuple(axis for axis in range(x.ndim) if axis != AXIS % x.ndim)
    if MODE == "train":
        y = jax.nn.standardize(x, others, epsilon=eps, algorithm=ALGORITHM)
    else:
        y = jax.nn.standardize(x, others, mean=mean, variance=var, epsilon=eps)
    y = y if gamma is None else y * gamma
    return y if beta is None else y + beta, (None, None)
"""


def _snippet(algorithm: str) -> Snippet:
    forward, wide = SNIPPET.replace("ALGORITHM", repr(algorithm)), 'WIDE = DTYPES["x"]\n'
    return snippet("jax", forward, imports="import numpy as np", wide=wide)


def _sixteen_bits(dtype: str, variance: Variance) -> Dialect:
    """Returns the Dialect of a 16-bit `dtype`: means are summed in float32 and returned, like all else, in `dtype`."""
    mean, standardize = SOURCE + "numpy/reductions.py#L906-L922", SOURCE + "nn/functions.py#L691-L710"
    return Dialect(
        variance=variance,
        stats_dtype="float32",
        stored_dtype=dtype,
        elementwise_dtype=dtype,
        cotangent_dtype=dtype,
        links={
            "variance": DOCUMENTATION,
            "stats_dtype": mean,
            "stored_dtype": mean,
            "elementwise_dtype": standardize,
            "cotangent_dtype": standardize,
        },
    )


DERIVATIVES = {"tangents", "second_order", "third_order", "running_gradients"}


def _implementation(name: str, run: Callable[[Case], Outcome], variance: Variance, **more: Any) -> Implementation:
    settings: dict[str, Any] = {"dtypes": {"float16", "bfloat16", "float32", "float64"}, **more}
    return Implementation(
        name=name,
        run=run,
        dialect=Dialect(variance=variance, links={"variance": DOCUMENTATION}),
        by_dtype={dtype: _sixteen_bits(dtype, variance) for dtype in ("float16", "bfloat16")},
        compiled=True,
        version=jax.__version__,
        versions=installed(*DISTRIBUTIONS),
        settings=STABLE_SETTINGS if run is run_stable else SETTINGS,
        devices={"cuda" if DEVICE.platform == "gpu" else "cpu"},
        features=DEFAULT_EPS | DERIVATIVES | {"checkpointed", "eager", "malformed", "wanted"},
        **settings,
    )


IMPLEMENTATIONS = [_implementation("jax.nn.standardize", run, "one-pass", snippet=_snippet("fast"))]
if "algorithm" in inspect.signature(jax.nn.standardize).parameters:  # newer versions only
    IMPLEMENTATIONS.append(
        _implementation("jax.nn.standardize:stable", run_stable, "two-pass", opt_in=True, snippet=_snippet("stable"))
    )
IMPLEMENTATIONS.append(
    _implementation("jax.nn.standardize:vmap", run_mapped, "one-pass", dtypes={"float32"}, opt_in=True)
)
