"""tinygrad: `tinygrad.nn.BatchNorm`, and `Tensor.batchnorm` with the mean and variance of the batch, on the CPU device.

Rules: tinygrad compiles with the clang that the environment variable CC names or that is on the path; where there is
none, with the one in the package ziglang. Compiled kernels are neither read from the disk nor left there. The call for
y and the gradients runs under TinyJit; epsilon is a tensor there, so that a new shape or type compiles, in 0.5 s, and a
new epsilon does not, but for one that is left out. The running statistics come from a second call of the layer; its
momentum is a number in the compiled program, and each new one compiles in 0.2 s. The layer has its channels on axis 1,
so that another axis is moved there; the function takes any. Everything has x's type. Arrays are handed on however they
lie in memory.
"""

from __future__ import annotations

import atexit
import os
import shutil
import tempfile
from collections.abc import Callable
from dataclasses import replace
from functools import lru_cache, partial
from importlib.metadata import version
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from bnconform.adapters._arrays import DEFAULTS, Parameters, by_state, parameters, with_state
from bnconform.contract.case import Case
from bnconform.contract.dialect import Dialect
from bnconform.contract.dtypes import dtype_name
from bnconform.contract.implementation import Implementation
from bnconform.contract.outcome import ELEMENTWISE, Outcome
from bnconform.contract.settings import Argument, Settings
from bnconform.contract.versions import installed

if "CC" not in os.environ and shutil.which("clang") is None:
    import ziglang

    FOLDER = tempfile.TemporaryDirectory(prefix="bnconform-tinygrad-")
    atexit.register(FOLDER.cleanup)
    COMPILER = Path(FOLDER.name, "clang")  # tinygrad takes the name of a program, not a command of several words
    COMPILER.write_text(f'#!/bin/sh\nexec "{Path(ziglang.__file__).with_name("zig")}" clang "$@"\n')
    COMPILER.chmod(0o755)
    os.environ["CC"] = str(COMPILER)
os.environ |= {"DEV": "CPU", "CACHELEVEL": "0"}
from tinygrad import Tensor, TinyJit, dtypes, nn  # reads its environment when it is imported
from tinygrad.helpers import Context

FITS = {"tinygrad": ">=0.14"}  # older ones name the training mode and their types otherwise
STATE = ("running_mean", "running_var")
"""The variables that a layer keeps from one call to the next."""


def to_tensor(array: np.ndarray) -> Any:
    """Returns a tensor of the values and type of `array`."""
    if dtype_name(array.dtype) == "bfloat16":  # tinygrad does not know NumPy's extension type: the same bits
        return Tensor(array.view(np.uint16)).bitcast(dtypes.bfloat16).contiguous()
    return Tensor(array)


def to_array(tensor: Any, dtype: np.dtype) -> np.ndarray:
    """Returns the values of `tensor`, those of bfloat16 as NumPy's extension type `dtype`."""
    if tensor.dtype == dtypes.bfloat16:
        return np.asarray(tensor.bitcast(dtypes.uint16).numpy().view(dtype))
    return np.asarray(tensor.numpy())


class Form(NamedTuple):
    """All that is compiled for. names: of the tensors that are there. average: the layer's settings, if it is that."""

    layer: bool
    axis: int
    train: bool
    shape: tuple[int, ...]
    dtype: str
    names: tuple[str, ...]
    average: tuple[tuple[str, float], ...] | None = None


def _computed(form: Form, *tensors: Any) -> list[Any]:
    """Returns y and, where there is a dy, its gradients in x, gamma and beta."""
    given = dict(zip(form.names, tensors, strict=True))
    with Context(TRAINING=int(form.train)):
        y = (_layer if form.layer else _function)(form, given)
    wanted = [given[name] for name in ("x", "gamma", "beta") if name in given]
    grads = y.gradient(*wanted, gradient=given["dy"]) if "dy" in given else ()
    # What is only a view of dy, as dbeta of a single value, would stay that of the call that was captured.
    return [y, *(gradient.clone() for gradient in grads)]


def _layer(form: Form, given: dict[str, Any]) -> Any:
    settings = {"eps": given["eps"]} if "eps" in given else {}
    return _new_layer(form.shape[1], given, not form.train, **settings)(given["x"])


def _new_layer(channels: int, given: dict[str, Any], tracked: bool, **settings: Any) -> Any:
    layer = nn.BatchNorm(channels, track_running_stats=tracked, **settings)
    layer.weight, layer.bias = given.get("gamma"), given.get("beta")
    if tracked:
        layer.running_mean, layer.running_var = (given[name] for name in STATE)
    return layer


def _function(form: Form, given: dict[str, Any]) -> Any:
    x = given["x"]
    others = tuple(i for i in range(x.ndim) if i != form.axis)
    mean, variance = (x.mean(others), x.var(others, correction=0)) if form.train else (given[name] for name in STATE)
    return x.batchnorm(given.get("gamma"), given.get("beta"), mean, (variance + given["eps"]).rsqrt(), form.axis)


def _averaged(form: Form, *tensors: Any) -> None:
    """Updates the running statistics by a training step of the layer, in place."""
    given = dict(zip(form.names, tensors, strict=True))
    layer = _new_layer(form.shape[1], given, True, **dict(form.average or ()))
    with Context(TRAINING=1):
        layer(given["x"])
    Tensor.realize(layer.running_mean, layer.running_var)


@lru_cache(maxsize=512)
def _jitted(form: Form) -> Callable[..., Any]:
    jitted: Callable[..., Any] = TinyJit(partial(_computed if form.average is None else _averaged, form))
    return jitted


def _run(form: Form, given: dict[str, Any], eager: bool) -> Any:
    tensors = [given[name] for name in form.names]
    Tensor.realize(*tensors)
    if eager:
        return (_computed if form.average is None else _averaged)(form, *tensors)
    return _jitted(form)(*tensors)


def _outcome(case: Case, layer: bool, params: Parameters) -> tuple[Outcome, dict[str, Any]]:
    """Returns y and the gradients, and the tensors that were given, x with its channels on the axis that is wanted."""
    axis = 1 if layer else case.axis % case.x.ndim
    eps = None if case.default_eps else np.array([case.eps], case.x.dtype)
    arrays = {**params._asdict(), "eps": eps, "x": np.moveaxis(case.x, case.axis, axis)}
    if case.dy is not None:
        arrays["dy"] = np.moveaxis(case.dy, case.axis, axis)
    if case.mode == "train":
        arrays |= dict.fromkeys(STATE)
    given = {name: to_tensor(array) for name, array in arrays.items() if array is not None}
    form = Form(layer, axis, case.mode == "train", given["x"].shape, case.dtype, tuple(given))
    y, *grads = _run(form, given, case.eager)
    wanted = [name for name in ("dx", "dgamma", "dbeta") if name[1:] in given]
    found = {"y": y, **dict(zip(wanted, grads, strict=case.dy is not None))}
    back = {name: to_array(tensor, case.x.dtype) for name, tensor in found.items()}
    back |= {name: np.moveaxis(back[name], axis, case.axis) for name in ELEMENTWISE if name in back}
    return Outcome(**back), given


def run_layer(case: Case) -> Outcome:
    """Runs a new tinygrad.nn.BatchNorm, its tensors set from the case."""
    params = parameters(case, case.x.dtype)
    if case.state is not None:
        kept = nn.BatchNorm(case.channels)
        start = {name: getattr(kept, name).numpy().astype(case.x.dtype) for name in STATE}
        params = by_state(params, case.state or start, *STATE)
    found, given = _outcome(case, True, params)
    if params.running_mean is None:
        return found
    if case.mode == "train":
        given |= {name: to_tensor(getattr(params, name)) for name in STATE}
        settings = () if case.default_momentum else (("momentum", case.momentum),)
        form = Form(True, 1, True, given["x"].shape, case.dtype, ("x", *STATE), settings)
        _run(form, given, case.eager)
    found = replace(found, **{name: to_array(given[name], case.x.dtype) for name in STATE})
    return with_state(case, found, *STATE)


def run_function(case: Case) -> Outcome:
    """Runs Tensor.batchnorm, in training with x's own mean and variance."""
    return _outcome(case, False, parameters(case, case.x.dtype))[0]


SOURCE = "https://github.com/tinygrad/tinygrad/blob/v0.14.0/tinygrad/"


def _sixteen_bits(dtype: str) -> Dialect:
    """Returns the Dialect of a 16-bit `dtype`: sums are of float32 and return, like all else, to `dtype`."""
    return Dialect(
        stats_dtype="float32",
        stored_dtype=dtype,
        elementwise_dtype=dtype,
        cotangent_dtype=dtype,
        links={
            "stats_dtype": SOURCE + "dtype.py#L212-L216",
            "stored_dtype": SOURCE + "mixin/op.py#L521-L524",
            "elementwise_dtype": SOURCE + "mixin/op.py#L1681-L1686",
            "cotangent_dtype": SOURCE + "mixin/gradient.py#L123",
        },
    )


LAYER = SOURCE + "nn/__init__.py"
SETTINGS = Settings(
    call="tinygrad.nn.BatchNorm",
    eps=Argument("eps", "1e-05", LAYER),
    momentum=Argument("momentum", "0.1", LAYER),
    weighs="new",
    affine=Argument("affine", "True", LAYER),
    state=Argument("track_running_stats", "True", LAYER),
)

IMPLEMENTATIONS = [
    Implementation(
        name=name,
        run=run,
        by_dtype={dtype: _sixteen_bits(dtype) for dtype in ("float16", "bfloat16")},
        dtypes=dtypes,
        compiled=True,
        version=version("tinygrad"),
        versions=installed("tinygrad", "ziglang"),
        settings=settings,
        features={"eager", "memory"} | features,
    )
    for name, run, dtypes, features, settings in [  # the layer calls the function: a type that one has, both have
        ("tinygrad.nn.BatchNorm", run_layer, {"float16", "float32", "float64"}, {"state"} | DEFAULTS, SETTINGS),
        ("tinygrad.Tensor.batchnorm", run_function, {"bfloat16", "float32"}, set[str](), None),
    ]
]
