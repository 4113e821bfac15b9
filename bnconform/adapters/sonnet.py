"""Sonnet: `sonnet.BatchNorm`, by tf.nn and, for rank 4 with the channels last, by the fused op.

Rules: those of `_tf`. Sonnet's decay weighs the old statistics, so it receives 1 - momentum. Everything keeps x's type.
Its averages begin at zero and are divided by 1 - decay^count, by a count of their own: running statistics alone are
those of a layer that has counted LONG steps already, and by then nothing is divided any more; a state counts from its
first step. The layer chooses the fused op itself, so that this is an Implementation of its own with the channels last;
it has no other type than float32.
"""

from __future__ import annotations

import functools
from dataclasses import replace
from typing import Any

import numpy as np
import sonnet
import tensorflow as tf

from bnconform.adapters import _tf
from bnconform.adapters._arrays import DEFAULTS, Parameters, channels_first, given, parameters
from bnconform.contract.case import Case
from bnconform.contract.dialect import Dialect
from bnconform.contract.errors import Unsupported
from bnconform.contract.implementation import Implementation
from bnconform.contract.outcome import ELEMENTWISE, Outcome
from bnconform.contract.settings import Argument, Settings
from bnconform.contract.versions import installed

LONG = 2**30
"""So many steps that decay^count is 0 in every type."""
AVERAGES = {"running_mean": "moving_mean", "running_var": "moving_variance"}
KEPT = ("counter", "hidden", "average")
"""The values of each average, by the names of its variables."""


def _layer(case: Case, params: Parameters) -> Any:
    """Returns a layer with its variables, set to the scale and offset of the case."""
    layer = sonnet.BatchNorm(
        create_scale=params.gamma is not None,
        create_offset=params.beta is not None,
        data_format="NC..." if channels_first(case) else "N...C",
        **given(case, {"eps": case.eps}, {"decay_rate": 1 - case.momentum}),
    )
    layer._initialize(tf.constant(case.x))  # the first call would, but with its own values
    for variable, array in ((layer.scale, params.gamma), (layer.offset, params.beta)):
        if array is not None:
            variable.assign(array.reshape(variable.shape))
    return layer


def _variables(layer: Any) -> dict[str, Any]:
    """Returns the variables of both averages, by the name of the average and their own."""
    averages = {name: getattr(layer, name) for name in AVERAGES.values()}
    return {f"{name}/{variable.name.partition(':')[0].rpartition('/')[2]}": variable
            for name, average in averages.items() for variable in average.variables}  # fmt: skip


def _populated(params: Parameters) -> dict[str, np.ndarray]:
    """Returns the state of a layer whose averages are these after a long time; none where there are none."""
    if params.running_mean is None:
        return {}
    arrays = {average: getattr(params, name) for name, average in AVERAGES.items()}
    return {f"{average}/{kept}": np.asarray(LONG) if kept == "counter" else array
            for average, array in arrays.items() for kept in KEPT}  # fmt: skip


def run(case: Case) -> Outcome:
    """Runs a new layer on the case, and its gradient by tf.GradientTape."""
    if case.mode == "train" and case.momentum == 0 and (case.running_mean is not None or case.state is not None):
        raise Unsupported("a decay of 1, by which the average is 0/0, as documented")
    params = parameters(case, case.x.dtype)
    layer = _layer(case, params)
    variables = _variables(layer)
    for name, array in (_populated(params) if case.state is None else case.state).items():
        variables[name].assign(array.reshape(variables[name].shape))
    weights = {"dgamma": layer.scale if params.gamma is not None else None,
               "dbeta": layer.offset if params.beta is not None else None}  # fmt: skip
    tracked = AVERAGES if params.running_mean is not None or case.state is not None else {}
    outcome = _tf.through_layer(
        case,
        functools.partial(layer, is_training=case.mode == "train"),
        {name: variable for name, variable in weights.items() if variable is not None},
        lambda: {name: getattr(layer, average).value for name, average in tracked.items()},
    )
    if case.state is None:
        return outcome
    # The counter, which is one number, comes as a number and not as an array.
    return replace(outcome, state={name: np.asarray(variable.numpy()) for name, variable in variables.items()})


def run_fused(case: Case) -> Outcome:
    """Runs a new layer on the case with its channels last."""
    moved = {name: np.moveaxis(array, case.axis, -1) for name in ("x", "dy")
             if (array := getattr(case, name)) is not None}  # fmt: skip
    outcome = run(replace(case, axis=-1, **moved))
    back = {name: np.moveaxis(array, -1, case.axis) for name in ELEMENTWISE
            if (array := getattr(outcome, name)) is not None}  # fmt: skip
    return replace(outcome, **back)


SOURCE = "https://github.com/google-deepmind/sonnet/blob/v2.0.2/sonnet/src/"
NN = "https://github.com/tensorflow/tensorflow/blob/v2.21.0/tensorflow/python/ops/nn_impl.py"
DEBIASED = SOURCE + "moving_averages.py#L27-L44"
DIALECT = Dialect(
    running_var="biased",
    average="debiased",
    backward="uncentred",
    links={"running_var": SOURCE + "batch_norm.py#L248", "average": DEBIASED, "backward": NN + "#L1491"},
)
LAYER = SOURCE + "batch_norm.py"
SETTINGS = Settings(
    call="sonnet.BatchNorm",
    eps=Argument("eps", "1e-05", LAYER),
    momentum=Argument("decay_rate", "0.999", LAYER),
    weighs="old",
    scale=Argument("create_scale", "", LAYER),
    shift=Argument("create_offset", "", LAYER),
    axis=Argument("data_format", "'channels_last'", LAYER),
    layouts={"-1": "'channels_last'", "1": "'channels_first'"},
)

IMPLEMENTATIONS = [
    Implementation(
        name="sonnet.BatchNorm",
        run=run,
        dialect=DIALECT,
        dtypes={"float32", "float64"},  # in 16 bits it is tf.nn.batch_normalization, at three times the cost
        ranks={2, 3, 5},
        version=sonnet.__version__,
        versions=installed("dm-sonnet", *_tf.DISTRIBUTIONS),
        settings=SETTINGS,
        features={"state", *DEFAULTS},
    ),
    Implementation(
        name="sonnet.BatchNorm:fused",
        run=run_fused,
        dialect=Dialect(average="debiased", links={"average": DEBIASED}),
        dtypes={"float32"},
        ranks={4},
        version=sonnet.__version__,
        versions=installed("dm-sonnet", *_tf.DISTRIBUTIONS),
        settings=SETTINGS,
        features={"state", *DEFAULTS},
    ),
]
