"""TensorFlow: `tf.nn.batch_normalization` with `tf.nn.moments`, and the op `tf.raw_ops.FusedBatchNormV3`.

Rules: everything runs eagerly. tf.nn leaves the running average to the caller, so it offers none; it broadcasts over
any axis and keeps x's type. The fused op takes rank 4 as NHWC or NCHW, always with a scale and an offset, so ones and
zeros stand for an absent gamma and beta; its exponential_avg_factor is the weight of the new statistics, as ours.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

import numpy as np
import tensorflow as tf

from bnconform.adapters._arrays import at_least_float32, channels_first, parameters
from bnconform.case import ELEMENTWISE, Case, Outcome, Unsupported
from bnconform.dialect import Dialect, Implementation
from bnconform.layout import along

if os.environ.get("BNCONFORM_DEVICE", "cpu") == "cpu":
    tf.config.set_visible_devices([], "GPU")


def _run(
    case: Case,
    affine: list[np.ndarray | None],
    normalize: Callable[..., dict[str, Any]],
    running: list[Any] | None = None,
) -> Outcome:
    """Runs normalize(x, gamma, beta), which names its outputs, and pulls dy back to what the case itself has.

    running: the tensors that inference normalizes by, for their gradients.
    """
    inputs = [None if array is None else tf.constant(array) for array in (case.x, *affine)]
    dy = None if case.dy is None else tf.constant(case.dy)
    there = [tensor for tensor in inputs if tensor is not None]
    with tf.GradientTape(watch_accessed_variables=False) as outermost:
        outermost.watch([] if case.bar_grad_x is None else inputs[:1])
        with tf.GradientTape(watch_accessed_variables=False) as outer:
            outer.watch([*there, dy] if "second_order" in case.needs else [])
            with tf.GradientTape(watch_accessed_variables=False) as tape:
                asked_of = running if running and case.running_gradients else []
                tape.watch([*there, *asked_of])
                found = normalize(*inputs)
            if dy is not None:
                asked = {"dx": case.x, "dgamma": case.gamma, "dbeta": case.beta}
                wanted = {name: tensor for name, tensor in zip(asked, inputs, strict=True) if asked[name] is not None}
                wanted |= dict(zip(("drunning_mean", "drunning_var"), asked_of, strict=False))
                targets, cotangents = _pulled(case, found, dy)
                found |= tape.gradient(targets, wanted, output_gradients=cotangents)
        if "second_order" in case.needs:
            found |= _second(case, found, outer, {"grad_x": inputs[0], "grad_gamma": inputs[1], "grad_dy": dy})
    if case.bar_grad_x is not None:
        found["third_x"] = outermost.gradient(found["grad_x"], inputs[0], output_gradients=tf.constant(case.bar_grad_x))
    found.pop("unbiased_var", None)
    if "tangents" in case.needs:
        found["dot_y"] = _tangent(case, inputs, normalize)
    return Outcome(**{name: _array(case, name, tensor) for name, tensor in found.items() if tensor is not None})


def _pulled(case: Case, found: dict[str, Any], dy: Any) -> tuple[list[Any], list[Any]]:
    """Returns y and the statistics that have a cotangent, and the cotangents.

    That of the biased variance, where the unbiased one is returned, is one of the latter times (m - 1)/m.
    """
    unbiased = None if case.dvar is None else (case.dvar * ((case.rows - 1) / case.rows)).astype(case.dvar.dtype)
    asked = {"batch_mean": case.dmean, "batch_var": case.dvar, "unbiased_var": unbiased}
    there = {name: cotangent for name, cotangent in asked.items() if cotangent is not None and name in found}
    targets = [found["y"], *(found[name] for name in there)]
    return targets, [dy, *(_like(found[name], cotangent) for name, cotangent in there.items())]


def _second(case: Case, found: dict[str, Any], outer: Any, inputs: dict[str, Any]) -> dict[str, Any]:
    """Returns the case's cotangents of the gradients pulled back to the inputs that the case has."""
    bars = {"dx": case.bar_dx, "dgamma": case.bar_dgamma, "dbeta": case.bar_dbeta}
    pairs = [(found[name], bar) for name, bar in bars.items() if bar is not None and name in found]
    absent = {"grad_gamma"} if case.gamma is None else set()
    pulled: dict[str, Any] = outer.gradient(
        [grad for grad, _ in pairs],
        {name: tensor for name, tensor in inputs.items() if name not in absent},
        output_gradients=[_like(grad, bar) for grad, bar in pairs],
        unconnected_gradients=tf.UnconnectedGradients.ZERO,
    )
    return pulled


def _tangent(case: Case, inputs: list[Any], normalize: Callable[..., dict[str, Any]]) -> Any:
    """Returns the tangent of y."""
    dots = zip(inputs, (case.dot_x, case.dot_gamma, case.dot_beta), strict=True)
    moved = [(tensor, _like(tensor, dot)) for tensor, dot in dots if tensor is not None and dot is not None]
    with tf.autodiff.ForwardAccumulator([tensor for tensor, _ in moved], [dot for _, dot in moved]) as forward:
        y = normalize(*inputs)["y"]
    return forward.jvp(y, unconnected_gradients=tf.UnconnectedGradients.ZERO)


def _like(tensor: Any, direction: np.ndarray) -> Any:
    """Returns a direction in the type and shape of what moves along it."""
    return tf.reshape(tf.cast(tf.constant(direction), tensor.dtype), tensor.shape)


def _array(case: Case, name: str, tensor: Any) -> np.ndarray:
    array: np.ndarray = tensor.numpy()
    return array if name in ELEMENTWISE else array.reshape(case.channels)


def run_composed(case: Case) -> Outcome:
    """Runs tf.nn.moments and tf.nn.batch_normalization; in inference the latter alone."""
    rank, axis = case.x.ndim, case.axis % case.x.ndim
    others = [i for i in range(rank) if i != axis]
    params = [None if p is None else along(p, rank, axis) for p in parameters(case, case.x.dtype)]
    given = [] if case.mode == "train" else [tf.constant(array) for array in params[2:]]

    def normalize(x: Any, gamma: Any, beta: Any) -> dict[str, Any]:
        mean, variance = tf.nn.moments(x, others, keepdims=True) if case.mode == "train" else given
        returned = {"batch_mean": mean, "batch_var": variance} if "batch_statistics" in case.needs else {}
        return {"y": tf.nn.batch_normalization(x, mean, variance, beta, gamma, case.eps), **returned}

    return _run(case, params[:2], normalize, given)


def run_fused(case: Case) -> Outcome:
    """Runs tf.raw_ops.FusedBatchNormV3."""
    if case.x.ndim != 4:
        raise Unsupported(f"rank {case.x.ndim}; the op takes rank 4")
    data_format = "NCHW" if channels_first(case) else "NHWC"
    dtype = at_least_float32(case.x.dtype)
    gamma, beta, mean, variance = parameters(case, dtype)
    train = case.mode == "train"
    tracked = train and mean is not None and "batch_statistics" not in case.needs
    empty, given = np.zeros(0, dtype), [] if mean is None else [tf.constant(mean), tf.constant(variance)]

    def normalize(x: Any, gamma: Any, beta: Any) -> dict[str, Any]:
        out = tf.raw_ops.FusedBatchNormV3(
            x=x,
            scale=gamma,
            offset=beta,
            mean=empty if mean is None else given[0],
            variance=empty if variance is None else given[1],
            epsilon=case.eps,
            exponential_avg_factor=case.momentum if tracked else 1.0,
            data_format=data_format,
            is_training=train,
        )
        running = {"running_mean": out.batch_mean, "running_var": out.batch_variance} if tracked else {}
        if "batch_statistics" in case.needs:
            running = {"batch_mean": out.batch_mean, "unbiased_var": out.batch_variance}
        return {"y": out.y, **running}

    ones, zeros = np.ones(case.channels, dtype), np.zeros(case.channels, dtype)
    return _run(case, [ones if gamma is None else gamma, zeros if beta is None else beta], normalize, given)


SOURCE = "https://github.com/tensorflow/tensorflow/blob/v2.21.0/tensorflow/"
FUSED = "https://www.tensorflow.org/api_docs/python/tf/raw_ops/FusedBatchNormV3"
FOLDED = {"backward": SOURCE + "python/ops/nn_impl.py#L1491"}
MOMENTS = SOURCE + "python/ops/nn_impl.py#L1268"

IMPLEMENTATIONS = [
    Implementation(
        name="tf.nn.batch_normalization",
        run=run_composed,
        dialect=Dialect(backward="uncentred", links=FOLDED),
        by_dtype={
            "float16": Dialect(
                backward="uncentred",
                stats_dtype="float32",
                stored_dtype="float16",
                elementwise_dtype="float16",
                cotangent_dtype="float16",
                links={
                    **FOLDED,
                    "stats_dtype": MOMENTS,
                    "stored_dtype": SOURCE + "python/ops/nn_impl.py#L1284",
                    "elementwise_dtype": SOURCE + "python/ops/nn_impl.py#L1496",
                    "cotangent_dtype": SOURCE + "python/ops/nn_impl.py#L1496",
                },
            )
        },
        dtypes={"float16", "bfloat16", "float32", "float64"},
        version=tf.__version__,
        features={"tangents", "second_order", "third_order", "batch_statistics", "running_gradients"},
    ),
    Implementation(
        name="tf.raw_ops.FusedBatchNormV3",
        run=run_fused,
        dialect=Dialect(
            stats_dtype="float32",
            params_dtype="float32",
            attribute_dtype="float32",
            links={"stats_dtype": FUSED, "params_dtype": FUSED, "attribute_dtype": FUSED},
        ),
        dtypes={"float16", "bfloat16", "float32"},
        ranks={4},
        version=tf.__version__,
        features={"tangents", "second_order", "third_order", "batch_statistics", "running_gradients"},
    ),
]
