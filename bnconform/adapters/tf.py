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
from bnconform.adapters._arrays import DEFAULT_EPS, DEFAULTS, at_least_float32, channels_first, parameters
from bnconform.contract.case import Case
from bnconform.contract.dialect import Dialect
from bnconform.contract.errors import Unsupported
from bnconform.contract.implementation import Implementation
from bnconform.contract.outcome import Outcome
from bnconform.contract.settings import Argument, Settings
from bnconform.contract.versions import installed


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
    if case.malformed is not None and case.malformed.endswith(("single", "matrix")):
        raise Unsupported("it normalizes over any axes: one value for all of them is documented, in any rank")
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
COMPOSED_CALL = "https://www.tensorflow.org/api_docs/python/tf/nn/batch_normalization"
COMPOSED_SETTINGS = Settings(
    call="tf.nn.batch_normalization",
    eps=Argument("variance_epsilon", "", COMPOSED_CALL),
    scale=Argument("scale", "", COMPOSED_CALL, on="scale", off="None"),
    shift=Argument("offset", "", COMPOSED_CALL, on="offset", off="None"),
    channels=-1,
    offers=("training", "inference", "gradients", "affine"),
)
FUSED_SETTINGS = Settings(
    call="tf.raw_ops.FusedBatchNormV3",
    eps=Argument("epsilon", "0.0001", FUSED),
    momentum=Argument("exponential_avg_factor", "1", FUSED),
    weighs="new",
    axis=Argument("data_format", "'NHWC'", FUSED),
    layouts={"1": "'NC{s}'", "-1": "'N{s}C'"},
)

COMPOSED_CALL_TEXT = """\
def along(value):
    shape = [1] * VALUES["x"].ndim
    shape[AXIS] = -1
    return None if value is None else tf.reshape(value, shape)


def normalize(x, gamma, beta):
    if MODE == "train":
        others = [axis for axis in range(x.ndim) if axis != AXIS % x.ndim]
        mean, var = tf.nn.moments(x, others, keepdims=True)
    else:
        mean, var = (along(tensor(name, DTYPES["x"])) for name in ("running_mean", "running_var"))
    return {"y": tf.nn.batch_normalization(x, mean, var, beta, gamma, EPS)}


def run():
    x = tensor("x", DTYPES["x"])
    gamma, beta = along(tensor("gamma", DTYPES["x"])), along(tensor("beta", DTYPES["x"]))
"""
FUSED_CALL_TEXT = """\
def normalize(x, gamma, beta):
    mean, var = tensor("running_mean", WIDE), tensor("running_var", WIDE)
    tracked, empty = mean is not None and MODE == "train", tf.zeros([0], WIDE)
    out = tf.raw_ops.FusedBatchNormV3(
        x=x,
        scale=gamma,
        offset=beta,
        mean=empty if mean is None else mean,
        variance=empty if var is None else var,
        epsilon=EPS,
        exponential_avg_factor=MOMENTUM if tracked else 1.0,
        data_format="NCHW" if AXIS % 4 == 1 else "NHWC",
        is_training=MODE == "train",
    )
    return {"y": out.y} | ({"running_mean": out.batch_mean, "running_var": out.batch_variance} if tracked else {})


def run():
    channels = VALUES["x"].shape[AXIS]
    x, gamma, beta = tensor("x", DTYPES["x"]), tensor("gamma", WIDE), tensor("beta", WIDE)
    gamma = tf.ones([channels], WIDE) if gamma is None else gamma
    beta = tf.zeros([channels], WIDE) if beta is None else beta
"""

ORDERS = {"tangents", "second_order"}
BY_CALL = {*ORDERS, "batch_statistics", "running_gradients"}
USES = {"checkpointed", "wanted"}


def _composed(name: str = "", run: Callable[[Case], Outcome] = run_composed, **more: Any) -> Implementation:
    return Implementation(
        name="tf.nn.batch_normalization" + name,
        run=run,
        dialect=COMPOSED,
        by_dtype={"float16": COMPOSED_FLOAT16},
        settings=COMPOSED_SETTINGS,
        version=tf.__version__,
        versions=installed(*_tf.DISTRIBUTIONS),
        **more,
    )


def fused_op(name: str = "", run: Callable[[Case], Outcome] = run_fused, **more: Any) -> Implementation:
    """Returns the Implementation of the fused op, or of a variant of it."""
    default: dict[str, Any] = {"dialect": OP, "ranks": {4, 5}, "settings": FUSED_SETTINGS}
    default["versions"] = installed(*_tf.DISTRIBUTIONS)
    return Implementation(
        name="tf.raw_ops.FusedBatchNormV3" + name, run=run, version=tf.__version__, **{**default, **more}
    )


COMPILED: dict[str, Any] = {"compiled": True, "opt_in": True}

IMPLEMENTATIONS = [
    _composed(
        dtypes={"float16", "bfloat16", "float32", "float64"},
        features={*BY_CALL, *USES, "malformed", "third_order"},
        snippet=_tf.snippet(COMPOSED_CALL_TEXT),
    ),
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
    fused_op(
        dtypes={"float16", "bfloat16", "float32"},
        features={*BY_CALL, *DEFAULTS, *USES, "malformed", "third_order", "wide_parameters"},
        snippet=_tf.snippet(FUSED_CALL_TEXT),
    ),
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
