"""TensorFlow: `tf.nn.batch_normalization` with `tf.nn.moments`, and the op `tf.raw_ops.FusedBatchNormV3`.

Rules: those of `_tf`. tf.nn leaves the running average to the caller, so it offers none; it broadcasts over any axis
and keeps x's type. The fused op takes ranks 4 and 5 with the channels on axis 1 or last, always with a scale and an
offset, so ones and zeros stand for an absent gamma and beta; its exponential_avg_factor is the weight of the new
statistics, as ours. Compiled, tf.nn takes epsilon as a tensor; the op has epsilon and factor as attributes, so that
each pair of them is a trace of its own, which costs about 0.02 CPU seconds, and with XLA 0.2.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

import tensorflow as tf

from bnconform.adapters import _tf
from bnconform.adapters._arrays import at_least_float32, channels_first, parameters
from bnconform.adapters._given import DEFAULT_EPS, DEFAULTS
from bnconform.adapters._settings import TF_COMPOSED, TF_FUSED
from bnconform.contract.case import Case
from bnconform.contract.dialect import Dialect
from bnconform.contract.errors import Unsupported
from bnconform.contract.implementation import Implementation
from bnconform.contract.outcome import Outcome


def composed(plan: _tf.Plan, given: _tf.Tensors) -> _tf.Tensors:
    """Computes tf.nn.moments and tf.nn.batch_normalization; in inference the latter alone."""
    x, eps = given["x"], given["eps"] if plan.eps is None else plan.eps
    if plan.train:
        mean, variance = tf.nn.moments(x, [i for i in range(len(x.shape)) if i != plan.axis], keepdims=True)
    else:
        mean, variance = given["running_mean"], given["running_var"]
    returned = {"batch_mean": mean, "batch_var": variance} if plan.returns_statistics else {}
    return {"y": tf.nn.batch_normalization(x, mean, variance, given.get("beta"), given.get("gamma"), eps), **returned}


def fused(plan: _tf.Plan, given: _tf.Tensors) -> _tf.Tensors:
    """Computes tf.raw_ops.FusedBatchNormV3."""
    x = given["x"]
    spatial = "DHW"[5 - len(x.shape) :]
    channels, empty = [x.shape[plan.axis]], tf.zeros([0])
    settings = {"epsilon": plan.eps, "exponential_avg_factor": plan.momentum}
    out = tf.raw_ops.FusedBatchNormV3(
        x=x,
        scale=given["gamma"] if "gamma" in given else tf.ones(channels),
        offset=given["beta"] if "beta" in given else tf.zeros(channels),
        mean=given.get("running_mean", empty),
        variance=given.get("running_var", empty),
        data_format=f"NC{spatial}" if plan.axis == 1 else f"N{spatial}C",
        is_training=plan.train,
        **{name: value for name, value in settings.items() if value is not None},
    )
    if plan.returns_statistics:
        return {"y": out.y, "batch_mean": out.batch_mean, "unbiased_var": out.batch_variance}
    running = {"running_mean": out.batch_mean, "running_var": out.batch_variance} if plan.tracked else {}
    return {"y": out.y, **running}


def run_composed(case: Case, mode: _tf.Mode = "eager") -> Outcome:
    """Runs `composed`."""
    plan = _tf.plan_of(case)
    given = _tf.tensors_of(case, parameters(case, case.x.dtype), case.x.ndim)
    if mode != "eager":
        plan, given["eps"] = plan._replace(eps=None), tf.constant(case.eps, given["x"].dtype)
    return _tf.run(composed, case, plan, given, mode)


def run_fused(case: Case, mode: _tf.Mode = "eager") -> Outcome:
    """Runs `fused`; under XLA without the running average, as each factor would compile anew."""
    if case.x.ndim not in (4, 5):
        raise Unsupported(f"rank {case.x.ndim}; the op takes ranks 4 and 5")
    channels_first(case)
    params = parameters(case, at_least_float32(case.x.dtype))
    averages = case.mode == "train" and params.running_mean is not None and "batch_statistics" not in case.needs
    plan = _tf.plan_of(case, tracked=averages and mode != "xla")
    return _tf.run(fused, case, plan, _tf.tensors_of(case, params), mode)


SOURCE = "https://github.com/tensorflow/tensorflow/blob/v2.21.0/"
NN = SOURCE + "tensorflow/python/ops/nn_impl.py"
FUSED = "https://www.tensorflow.org/api_docs/python/tf/raw_ops/FusedBatchNormV3"
EXPANDER = SOURCE + "third_party/xla/xla/service/batchnorm_expander.cc"
COMPOSED = Dialect(backward="uncentred", links={"backward": NN + "#L1491"})
COMPOSED_FLOAT16 = replace(
    COMPOSED,
    stats_dtype="float32",
    stored_dtype="float16",
    elementwise_dtype="float16",
    cotangent_dtype="float16",
    links={
        **COMPOSED.links,
        "stats_dtype": NN + "#L1268",
        "stored_dtype": NN + "#L1284",
        "elementwise_dtype": NN + "#L1496",
        "cotangent_dtype": NN + "#L1496",
    },
)
OP = Dialect(
    stats_dtype="float32",
    params_dtype="float32",
    attribute_dtype="float32",
    links={"stats_dtype": FUSED, "params_dtype": FUSED, "attribute_dtype": FUSED},
)
OP_BY_XLA = replace(
    OP,
    variance="one-pass",
    clamps_variance=False,
    links={**OP.links, "variance": EXPANDER, "clamps_variance": EXPANDER},
)
ORDERS = {"tangents", "second_order"}
BY_CALL = {*ORDERS, "batch_statistics", "running_gradients"}


def _composed(name: str = "", run: Callable[[Case], Outcome] = run_composed, **more: Any) -> Implementation:
    return Implementation(
        name="tf.nn.batch_normalization" + name,
        run=run,
        dialect=COMPOSED,
        by_dtype={"float16": COMPOSED_FLOAT16},
        settings=TF_COMPOSED,
        version=tf.__version__,
        **more,
    )


def fused_op(name: str = "", run: Callable[[Case], Outcome] = run_fused, **more: Any) -> Implementation:
    """Returns the Implementation of the fused op, or of a variant of it."""
    default: dict[str, Any] = {"dialect": OP, "ranks": {4, 5}, "settings": TF_FUSED}
    return Implementation(
        name="tf.raw_ops.FusedBatchNormV3" + name, run=run, version=tf.__version__, **{**default, **more}
    )


COMPILED: dict[str, Any] = {"compiled": True, "opt_in": True}

IMPLEMENTATIONS = [
    _composed(dtypes={"float16", "bfloat16", "float32", "float64"}, features={*BY_CALL, "third_order"}),
    _composed(
        ":function",
        partial(run_composed, mode="function"),
        dtypes={"bfloat16", "float32"},
        features={*BY_CALL, "eager"},
        **COMPILED,
    ),
    _composed(
        ":xla",
        partial(run_composed, mode="xla"),
        dtypes={"float32"},
        features={*ORDERS, "eager"},
        **COMPILED,
    ),
    fused_op(dtypes={"float16", "bfloat16", "float32"}, features={*BY_CALL, *DEFAULTS, "third_order"}),
    fused_op(
        ":function",
        partial(run_fused, mode="function"),
        dtypes={"float32"},
        features={*BY_CALL, *DEFAULTS, "eager"},
        **COMPILED,
    ),
    fused_op(  # each epsilon compiles, so that one rank, one type and first derivatives stand for all
        ":xla",
        partial(run_fused, mode="xla"),
        dialect=OP_BY_XLA,
        ranks={4},
        dtypes={"float32"},
        features={*DEFAULT_EPS, "eager"},
        **COMPILED,
    ),
]
