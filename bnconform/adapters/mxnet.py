"""Apache MXNet: the operator `mxnet.nd.BatchNorm` and the layer `mxnet.gluon.nn.BatchNorm`.

Rules: MXNet's momentum weighs the old statistics, so it receives 1 - momentum. The running statistics of a step are
there after its backward pass alone, so that each step of training is pulled back, along zeros where a case has no dy.
Its fix_gamma is True by default and takes gamma for 1: it is False wherever there is a gamma. 16-bit inputs come with
parameters and statistics in float32, as the operator asks. MXNet ended with 1.9.1, which needs Python 3.11 or older and
NumPy below 1.24.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import mxnet
import numpy as np
from mxnet.gluon import nn

from bnconform.adapters._arrays import DEFAULTS, Parameters, at_least_float32, by_state, given, parameters, with_state
from bnconform.contract.case import Case
from bnconform.contract.dialect import Dialect
from bnconform.contract.errors import Unsupported
from bnconform.contract.implementation import Implementation
from bnconform.contract.outcome import Outcome
from bnconform.contract.settings import Argument, Settings

CONTEXT = mxnet.gpu() if os.environ.get("BNCONFORM_DEVICE") == "cuda" else mxnet.cpu()
STATE = ("running_mean", "running_var")
"""The variables that a layer keeps from one call to the next."""
GRADIENTS = ("dx", "dgamma", "dbeta")


def _to_mxnet(array: np.ndarray) -> Any:
    return mxnet.nd.array(array, ctx=CONTEXT, dtype=array.dtype)


def _outcome(case: Case, normalize: Callable[[Any], Any], params: Parameters) -> Outcome:
    """Returns normalize(x), the running statistics as it has updated them, and dy pulled back.

    params: MXNet's arrays that `normalize` uses, None for those without a gradient or not reported.
    """
    x, train = _to_mxnet(case.x), case.mode == "train"
    x.attach_grad()
    with mxnet.autograd.record(train_mode=train):
        y = normalize(x)
    y.backward(_to_mxnet(np.zeros_like(case.x) if case.dy is None else case.dy), train_mode=train)
    found: dict[str, Any] = {"y": y, "running_mean": params.running_mean, "running_var": params.running_var}
    if case.dy is not None:
        inputs = zip(GRADIENTS, (x, params.gamma, params.beta), strict=True)
        found |= {name: array.grad for name, array in inputs if array is not None}
    return Outcome(**{name: array.asnumpy() for name, array in found.items() if array is not None})


def run_operator(case: Case) -> Outcome:
    """Runs mxnet.nd.BatchNorm."""
    if case.beta is None:
        raise Unsupported("the operator needs a beta")
    arrays = parameters(case, at_least_float32(case.x.dtype))
    ones = np.ones(case.channels, at_least_float32(case.x.dtype))
    gamma, beta, mean, var = (_to_mxnet(ones if array is None else array) for array in arrays)
    for array in (gamma, beta):
        array.attach_grad()

    def normalize(x: Any) -> Any:
        return mxnet.nd.BatchNorm(
            x,
            gamma,
            beta,
            mean,
            var,
            **given(case, {"eps": case.eps}, {"momentum": 1 - case.momentum}),
            fix_gamma=case.gamma is None,
            axis=case.axis,
        )

    tracked = (None, None) if case.running_mean is None else (mean, var)
    return _outcome(case, normalize, Parameters(None if case.gamma is None else gamma, beta, *tracked))


def _layer(case: Case) -> Any:
    """Returns a new layer with the settings of the case."""
    layer = nn.BatchNorm(
        axis=case.axis,
        **given(case, {"epsilon": case.eps}, {"momentum": 1 - case.momentum}),
        center=case.beta is not None,
        scale=case.gamma is not None,
        in_channels=case.channels,
    )
    layer.cast(case.dtype)
    layer.initialize(ctx=CONTEXT)
    return layer


def run_layer(case: Case) -> Outcome:
    """Runs a new mxnet.gluon.nn.BatchNorm, its parameters set from the case."""
    if case.default_eps and case.dtype == "float64":
        raise Unsupported("the default ε in float64: it is kept so, and cases hold float32's, as the momentum is")
    arrays = parameters(case, at_least_float32(case.x.dtype))
    if case.state:
        arrays = by_state(arrays, case.state, *STATE)
    layer = _layer(case)
    variables: list[Any] = [layer.gamma, layer.beta, layer.running_mean, layer.running_var]
    for variable, array in zip(variables, arrays, strict=True):
        if array is not None:
            variable.set_data(_to_mxnet(array))
    there = [array is not None for array in arrays[:2]]
    there += [case.state is not None or case.running_mean is not None] * 2
    used: Iterator[Any] = (one.data() if present else None for one, present in zip(variables, there, strict=True))
    return with_state(case, _outcome(case, layer, Parameters(*used)), *STATE)


DOCUMENTATION = "https://mxnet.apache.org/versions/1.6/api/r/docs/api/mx.symbol.BatchNorm.html"
SOURCE = "https://github.com/apache/mxnet/blob/1.9.1/src/operator/nn/"
DIALECT = Dialect(
    running_var="biased",
    attribute_dtype="float32",
    stats_dtype="float32",
    params_dtype="float32",
    rounded_branches=True,
    links={
        "running_var": DOCUMENTATION,
        "attribute_dtype": SOURCE + "batch_norm-inl.h",
        "stats_dtype": SOURCE + "batch_norm.cc",
        "params_dtype": SOURCE + "batch_norm.cc",
        "rounded_branches": SOURCE + "batch_norm.cc",
    },
)
# What mshadow's half_t computes, it rounds to half_t, also with a float32 beside it: ε, x - mean and all products.
HALF = replace(
    DIALECT,
    elementwise_dtype="float16",
    links={
        **DIALECT.links,
        "elementwise_dtype": "https://github.com/apache/mxnet/blob/1.9.1/3rdparty/mshadow/mshadow/half.h",
    },
)
OPERATOR_SETTINGS = Settings(
    call="mxnet.nd.BatchNorm",
    eps=Argument("eps", "0.001", DOCUMENTATION),
    momentum=Argument("momentum", "0.9", DOCUMENTATION),
    weighs="old",
    scale=Argument("fix_gamma", "True", DOCUMENTATION, on="False", off="True"),
    axis=Argument("axis", "1", DOCUMENTATION),
)

LAYER = "https://github.com/apache/mxnet/blob/1.9.1/python/mxnet/gluon/nn/basic_layers.py"
LAYER_SETTINGS = Settings(
    call="mxnet.gluon.nn.BatchNorm",
    eps=Argument("epsilon", "1e-05", LAYER),
    momentum=Argument("momentum", "0.9", LAYER),
    weighs="old",
    scale=Argument("scale", "True", LAYER),
    shift=Argument("center", "True", LAYER),
    axis=Argument("axis", "1", LAYER),
)

IMPLEMENTATIONS = [
    Implementation(
        name=name,
        run=run,
        dialect=DIALECT,
        by_dtype={"float16": HALF},
        dtypes=dtypes,
        version=mxnet.__version__,
        devices={"cpu", "cuda"} if mxnet.context.num_gpus() else {"cpu"},
        features=features | DEFAULTS,
        settings=settings,
    )
    for name, run, dtypes, features, settings in [  # one kernel: what one does in a type, the other does, too
        ("mxnet.nd.BatchNorm", run_operator, {"float16", "float32"}, frozenset[str](), OPERATOR_SETTINGS),
        ("mxnet.gluon.nn.BatchNorm", run_layer, {"float32", "float64"}, frozenset({"state"}), LAYER_SETTINGS),
    ]
]
