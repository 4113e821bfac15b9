"""MLX: `mlx.nn.BatchNorm` on the CPU device.

Rules: MLX wants the channels on the last axis, so that another axis is moved there. The layer is set to x's type as a
whole, parameters and statistics, by its own set_dtype. It has a weight and a bias or neither: ones or zeros stand for
the one that is absent. Arrays are read where they lie, but for negative strides and a foreign byte order, which MLX
refuses, so that these are copied. Each derivative is taken of a new layer: none is a second training step.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from importlib.metadata import version
from typing import Any

import mlx.core as mx
import numpy as np
from mlx import nn

from bnconform.adapters._arrays import DEFAULTS, by_state, given, parameters, with_state
from bnconform.contract.case import Case
from bnconform.contract.dialect import Dialect
from bnconform.contract.dtypes import dtype_name
from bnconform.contract.implementation import Implementation
from bnconform.contract.outcome import ELEMENTWISE, Outcome
from bnconform.contract.settings import Argument, Settings
from bnconform.contract.versions import installed

mx.set_default_device(mx.cpu)
DTYPES = {"float16": mx.float16, "bfloat16": mx.bfloat16, "float32": mx.float32, "float64": mx.float64}
STATE = ("running_mean", "running_var")
"""The variables that a layer keeps from one call to the next."""
Function = Callable[..., list[Any]]  # arrays -> arrays


def _to_mlx(array: np.ndarray) -> Any:
    if min(array.strides, default=0) < 0 or not array.dtype.isnative:
        array = array.astype(array.dtype.newbyteorder("="), order="C")
    return mx.array(array, dtype=DTYPES[dtype_name(array.dtype)])


def _to_numpy(array: Any, dtype: np.dtype) -> np.ndarray:
    """Returns the values of `array`, those of bfloat16 as NumPy's extension type `dtype`."""
    return np.array(array.view(mx.uint16)).view(dtype) if array.dtype == mx.bfloat16 else np.array(array)


def _given(case: Case) -> dict[str, Any]:
    """Returns x, its channels last, and the layer's variables, by MLX's names."""
    params = parameters(case, case.x.dtype)
    if case.state:
        params = by_state(params, case.state, *STATE)
    given = dict(zip(("weight", "bias", *STATE), params, strict=True))
    if params.gamma is None and params.beta is not None:
        given["weight"] = np.ones_like(params.beta)
    if params.beta is None and params.gamma is not None:
        given["bias"] = np.zeros_like(params.gamma)
    x = {"x": np.moveaxis(case.x, case.axis, -1)}
    return {name: _to_mlx(array) for name, array in (x | given).items() if array is not None}


def _layer(case: Case, inputs: dict[str, Any]) -> Any:
    """Returns a new layer that holds these inputs but x."""
    layer = nn.BatchNorm(
        case.channels,
        **given(case, {"eps": case.eps}, {"momentum": case.momentum}),
        affine="weight" in inputs,
        track_running_stats=case.running_mean is not None or case.state is not None,
    )
    layer.set_dtype(DTYPES[case.dtype])
    layer.train(case.mode == "train")
    layer.update({name: array for name, array in inputs.items() if name != "x"})
    return layer


def _like(inputs: dict[str, Any], **directions: Any) -> list[Any]:
    """Returns a direction for each of the inputs, zeros where there is none."""
    found = {name: array for name, array in directions.items() if array is not None}
    return [found.get(name, mx.zeros_like(array)) for name, array in inputs.items()]


def _function(case: Case, given: dict[str, Any], names: Iterable[str]) -> Function:
    """Returns y as a function of the arrays of these names, all else as it is given."""

    def normalize(*arrays: Any) -> list[Any]:
        now = given | dict(zip(names, arrays, strict=True))
        return [_layer(case, now)(now["x"])]

    return normalize


def _derivatives(case: Case, given: dict[str, Any]) -> dict[str, Any]:
    """Returns the derivatives that the case asks for, and those by the stand-ins of an absent gamma or beta."""
    inputs = {name: array for name, array in given.items() if name not in STATE}
    primals = list(inputs.values())
    directions = {name: None if array is None else _to_mlx(array) for name, array in _directions(case).items()}
    normalize, dy = _function(case, given, inputs), directions["dy"]

    def pull(*arrays: Any) -> list[Any]:
        return list(mx.vjp(normalize, list(arrays[:-1]), [arrays[-1]])[1])

    def pull_twice(x: Any) -> list[Any]:
        bars = _like(inputs, x=directions["bar_dx"])
        return list(mx.vjp(pull, [x, *primals[1:], dy], bars)[1])[:1]

    found: dict[str, Any] = {}
    if dy is not None:
        names = {"x": "dx", "weight": "dgamma", "bias": "dbeta"}
        found |= dict(zip([names[name] for name in inputs], pull(*primals, dy), strict=True))
    if case.running_gradients:
        running = _function(case, given, STATE)
        pulled = mx.vjp(running, [given[name] for name in STATE], [dy])[1]
        found |= dict(zip(("drunning_mean", "drunning_var"), pulled, strict=True))
    if "tangents" in case.needs:
        dots = _like(inputs, x=directions["dot_x"], weight=directions["dot_gamma"], bias=directions["dot_beta"])
        found["dot_y"] = mx.jvp(normalize, primals, dots)[1][0]
    if "second_order" in case.needs:
        bars = _like(inputs, x=directions["bar_dx"], weight=directions["bar_dgamma"], bias=directions["bar_dbeta"])
        seconds = dict(zip([*inputs, "dy"], mx.vjp(pull, [*primals, dy], bars)[1], strict=True))
        found |= {"grad_x": seconds["x"], "grad_gamma": seconds.get("weight"), "grad_dy": seconds["dy"]}
    if directions["bar_grad_x"] is not None:
        found["third_x"] = mx.vjp(pull_twice, primals[:1], [directions["bar_grad_x"]])[1][0]
    return found


def _directions(case: Case) -> dict[str, np.ndarray | None]:
    """Returns the tangents and cotangents of the case, channels last."""
    tensors = {name: getattr(case, name) for name in ("dy", "dot_x", "bar_dx", "bar_grad_x")}
    moved = {n: None if tensor is None else np.moveaxis(tensor, case.axis, -1) for n, tensor in tensors.items()}
    vectors = ("dot_gamma", "dot_beta", "bar_dgamma", "bar_dbeta")
    return {**moved, **{name: getattr(case, name) for name in vectors}}


def run(case: Case) -> Outcome:
    """Runs a new mlx.nn.BatchNorm, set from the case."""
    given = _given(case)
    layer = _layer(case, given)
    found = {"y": layer(given["x"])} | _derivatives(case, given)
    if layer.track_running_stats:
        found |= {name: layer[name] for name in STATE}
    absent = {"dgamma", "grad_gamma"} if case.gamma is None else set()
    absent |= {"dbeta"} if case.beta is None else set()
    arrays = {n: _to_numpy(a, case.x.dtype) for n, a in found.items() if n not in absent and a is not None}
    back = {name: np.moveaxis(array, -1, case.axis) for name, array in arrays.items() if name in ELEMENTWISE}
    return with_state(case, Outcome(**arrays | back), *STATE)


SOURCE = "https://github.com/ml-explore/mlx/blob/v0.32.4/python/mlx/nn/layers/normalization.py#L393-L400"

DOCUMENTATION = "https://ml-explore.github.io/mlx/build/html/python/nn/_autosummary/mlx.nn.BatchNorm.html"
SETTINGS = Settings(
    call="mlx.nn.BatchNorm",
    eps=Argument("eps", "1e-05", DOCUMENTATION),
    momentum=Argument("momentum", "0.1", DOCUMENTATION),
    weighs="new",
    affine=Argument("affine", "True", DOCUMENTATION),
    state=Argument("track_running_stats", "True", DOCUMENTATION),
    channels=-1,
)

IMPLEMENTATIONS = [
    Implementation(
        name="mlx.nn.BatchNorm",
        run=run,
        dialect=Dialect(single_value="raises", links={"single_value": SOURCE}),
        dtypes={"float16", "bfloat16", "float32", "float64"},
        ranks={2, 3, 4},
        version=version("mlx"),
        versions=installed("mlx"),
        settings=SETTINGS,
        features={"memory", "tangents", "second_order", "third_order", "running_gradients", "state"} | DEFAULTS,
    )
]
