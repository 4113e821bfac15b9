"""The part that the three Keras adapters share: a layer for each case, and the Implementation around it.

Rules: KERAS_BACKEND is read once a process, so each backend's adapter sets it before this module is imported, and one
process runs one of them. Keras' momentum weighs the old statistics, so it receives 1 - momentum. 16-bit inputs use the
mixed policies with float32 variables; the Kind SIXTEEN_BITS uses those of x's type alone. A layer that tracks nothing
does not exist: it updates the statistics that it holds, and these are not reported.
"""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Callable, Collection
from dataclasses import replace
from typing import Any, NamedTuple

import keras
import numpy as np

from bnconform.adapters._arrays import DEFAULTS, Parameters, at_least_float32, by_state, given, parameters
from bnconform.contract.case import Case
from bnconform.contract.dialect import Dialect
from bnconform.contract.errors import Unsupported
from bnconform.contract.implementation import Implementation
from bnconform.contract.outcome import Outcome
from bnconform.contract.settings import Argument, Settings
from bnconform.contract.snippet import Snippet
from bnconform.contract.versions import installed

CHECKPOINTED = frozenset({"checkpointed"} if hasattr(keras, "RematScope") else ())
"""The feature of a Keras whose layers may run again in the backward pass."""
POLICIES = {"float16": "mixed_float16", "bfloat16": "mixed_bfloat16"}
SOURCE = "https://github.com/keras-team/keras/blob/v3.15.1/keras/src/"
LAYER = SOURCE + "layers/normalization/batch_normalization.py"

DOCUMENTATION = "https://keras.io/api/layers/normalization_layers/batch_normalization/"
SETTINGS = Settings(
    call="keras.layers.BatchNormalization",
    eps=Argument("epsilon", "0.001", DOCUMENTATION),
    momentum=Argument("momentum", "0.99", DOCUMENTATION),
    weighs="old",
    scale=Argument("scale", "True", DOCUMENTATION),
    shift=Argument("center", "True", DOCUMENTATION),
    axis=Argument("axis", "-1", DOCUMENTATION),
)

DISTRIBUTIONS = {"tensorflow": ("tensorflow", "tensorflow-cpu"), "torch": ("torch",), "jax": ("jax", "jaxlib")}
"""What each backend is installed as."""


class Kind(NamedTuple):
    """A variant of the layer: 16-bit inputs with 16-bit variables, or statistics of all replicas, of which there are so
    many, each with a copy of the layer; none: it is no strategy's."""

    sixteen_bits: bool = False
    synchronized: bool = False
    replicas: int = 0


PLAIN = Kind()
SIXTEEN_BITS = Kind(sixteen_bits=True)

SNIPPET_IMPORTS = """\
import os
import sys

os.environ["KERAS_BACKEND"] = "{backend}"{setting}

import keras
import numpy as np
import {backend}
"""
SNIPPET_TENSOR = """\
WIDE = "float64" if DTYPES["x"] == "float64" else "float32"
POLICY = {"float16": "mixed_float16", "bfloat16": "mixed_bfloat16"}.get(DTYPES["x"], DTYPES["x"])


def tensor(name, dtype):
"""
SNIPPET_LAYER = """\


def run():
    x, layer = tensor("x", DTYPES["x"]), keras.layers.BatchNormalization(
        axis=AXIS, scale=VALUES["gamma"] is not None, center=VALUES["beta"] is not None, dtype=POLICY
    )
    layer.build([size if axis == AXIS % x.ndim else None for axis, size in enumerate(x.shape)])
    layer.epsilon, layer.momentum = EPS, 1 - MOMENTUM  # Keras weighs the old statistics
    names = {"gamma": "gamma", "beta": "beta", "running_mean": "moving_mean", "running_var": "moving_variance"}
    for name, own in names.items():
        if VALUES[name] is not None:
            getattr(layer, own).assign(VALUES[name].astype(WIDE))
    sources = {"dx": x}
    sources |= {"d" + name: getattr(layer, name).value for name in ("gamma", "beta") if VALUES[name] is not None}
"""
SNIPPET_STATISTICS = """\
    found["y"] = y
    if VALUES["running_mean"] is not None:
        found |= {"running_mean": layer.moving_mean.value, "running_var": layer.moving_variance.value}
"""


def snippet(backend: str, *, before: str = "", after: str = "", tensor: str, gradients: str, values: str) -> Snippet:
    """Returns the snippet of the layer on a backend, given the backend's own lines.

    before, after: of the imports. tensor: of an array. gradients: of y and its gradients. values: of what is returned.
    """
    code = SNIPPET_TENSOR + tensor + SNIPPET_LAYER + gradients + SNIPPET_STATISTICS + values
    imports = SNIPPET_IMPORTS.format(backend=backend, setting=before) + after
    return Snippet(needs=f"keras, {backend}", imports=imports, code=code)


def layer_for(case: Case, kind: Kind = PLAIN) -> Any:
    """Returns a built layer that fits `case`. The caller sets its variables, and epsilon and momentum if the case gives
    them: on a layer that is to use its own defaults they must never have been set.
    """
    affine, left_out = (case.gamma is not None, case.beta is not None), (case.default_eps, case.default_momentum)
    fixed = (case.x.ndim, case.channels, case.axis, _policy(case, kind), *affine)
    return _layer(*fixed, kind, left_out, case.checkpointed)


def _policy(case: Case, kind: Kind) -> str:
    return case.dtype if kind.sixteen_bits else POLICIES.get(case.dtype, case.dtype)


@functools.lru_cache(maxsize=256)  # on TensorFlow a new layer costs more than a run of it
def _layer(
    rank: int,
    channels: int,
    axis: int,
    policy: str,
    scale: bool,
    center: bool,
    kind: Kind,
    left_out: tuple[bool, bool],
    checkpointed: bool,
) -> Any:
    with keras.RematScope("full") if checkpointed else contextlib.nullcontext():  # a layer keeps that of its making
        layer = keras.layers.BatchNormalization(
            axis=axis, scale=scale, center=center, dtype=policy, synchronized=kind.synchronized
        )
    shape: list[int | None] = [None] * rank
    shape[axis] = channels
    layer.build(shape)
    return layer


STATE = ("moving_mean", "moving_variance")
"""The variables that a layer keeps from one call to the next."""


@functools.lru_cache(maxsize=256)
def _initial(channels: int, policy: str) -> dict[str, np.ndarray]:
    """Returns the state of a new layer."""
    layer = keras.layers.BatchNormalization(dtype=policy)
    layer.build([None, channels])
    return {name: keras.ops.convert_to_numpy(getattr(layer, name)) for name in STATE}


def parameters_for(case: Case, kind: Kind = PLAIN) -> Parameters:
    """Returns the arrays of the case, the moving statistics by its state or as a new layer has them, if it has one."""
    params = parameters(case, case.x.dtype if kind.sixteen_bits else at_least_float32(case.x.dtype))
    if case.state is None:
        return params
    return by_state(params, case.state or _initial(case.channels, _policy(case, kind)), *STATE)


def set_layer(case: Case, kind: Kind = PLAIN) -> tuple[Any, Parameters]:
    """Returns a layer set to `case`, and the arrays that its variables were set to."""
    params = parameters_for(case, kind)
    layer = layer_for(case, kind)
    for name, value in given(case, {"epsilon": case.eps}, {"momentum": 1 - case.momentum}).items():
        setattr(layer, name, value)
    for name, array in zip(("gamma", "beta", "moving_mean", "moving_variance"), params, strict=True):
        if array is not None:
            getattr(layer, name).assign(array)
    return layer, params


def mask_of(case: Case) -> np.ndarray | None:
    """Returns the mask as the layer takes it, without the last axis; raises Unsupported for one that varies there."""
    if case.mask is None:
        return None
    if case.mask.shape[-1] != 1:
        raise Unsupported("a mask has one axis less than its input: it cannot vary along the last one")
    return case.mask[..., 0]


def weights(layer: Any, params: Parameters) -> dict[str, Any]:
    """Returns the backend's own variables that have a gradient, under that gradient's name."""
    names = [name for name in ("gamma", "beta") if getattr(params, name) is not None]
    return {"d" + name: getattr(layer, name).value for name in names}


def statistics(layer: Any, params: Parameters) -> dict[str, Any]:
    """Returns the backend's own variables of the running statistics, none if the case tracks none."""
    if params.running_mean is None:
        return {}
    return {"running_mean": layer.moving_mean.value, "running_var": layer.moving_variance.value}


def implementation(
    backend: str, run: Callable[[Case], Outcome], dialect: Dialect, further: Collection[str] = (), **more: Any
) -> Implementation:
    """Returns the Implementation of `backend`; raises ImportError in a process where Keras has another one."""
    if keras.backend.backend() != backend:
        raise ImportError(f"Keras runs on {keras.backend.backend()} in this process; {backend} needs one of its own")
    default: dict[str, Any] = {
        "name": f"keras.layers.BatchNormalization@{backend}",
        "dtypes": {"float16", "bfloat16", "float32", "float64"},
        "features": {"malformed", "mask", "state", "wide_parameters", *DEFAULTS, *CHECKPOINTED, *further},
        "settings": SETTINGS,
        "versions": installed("keras", *DISTRIBUTIONS[backend]),
    }
    return Implementation(run=run, dialect=dialect, version=keras.__version__, **{**default, **more})


def sixteen_bits(backend: str, run: Callable[[Case], Outcome], dialect: Dialect, **more: Any) -> Implementation:
    """Returns the variant of `backend` whose variables have the 16 bits of its inputs; `run` runs that Kind."""
    links = {name: link for name, link in dialect.links.items() if name != "params_dtype"}
    return implementation(
        backend,
        run,
        replace(dialect, params_dtype=None, links=links),
        name=f"keras.layers.BatchNormalization@{backend}:sixteen_bits",
        dtypes={"float16"},  # the narrower bounds of the two that take the same path
        features={"state", *DEFAULTS},
        opt_in=True,
        **more,
    )


def dialect(*, links: dict[str, str], **more: Any) -> Dialect:
    """Returns the layer's documented choices, equal on every backend, with the declared arithmetic of one backend."""
    common = {
        "running_var": DOCUMENTATION,
        "stats_dtype": LAYER + "#L346",
        "params_dtype": "https://keras.io/api/mixed_precision/policy/",
    }
    return Dialect(
        running_var="biased", stats_dtype="float32", params_dtype="float32", links={**common, **links}, **more
    )
