"""Keras 2 on TensorFlow: `tf_keras.layers.BatchNormalization` with and without the fused op, and synchronized.

Rules: those of `_tf`. Keras' momentum weighs the old statistics, so it receives 1 - momentum. 16-bit inputs use the
mixed policies, whose variables are float32. The fused op takes ranks 4 and 5 with the channels on axis 1 or last.
Synchronized, there is one replica, so that the statistics are those of the batch, computed as for several; `:replicas`
are several, and take nothing but batches that are shared out. Renorm is off.
"""

from __future__ import annotations

import contextlib
import functools
from dataclasses import replace
from typing import Any

import tensorflow as tf
import tf_keras

from bnconform.adapters import _tf, _tf_replicas
from bnconform.adapters._arrays import (
    DEFAULTS,
    at_least_float32,
    by_state,
    channels_first,
    given,
    parameters,
    with_state,
)
from bnconform.contract.case import PER_CHANNEL, Case
from bnconform.contract.dialect import Dialect
from bnconform.contract.implementation import Implementation
from bnconform.contract.outcome import Outcome
from bnconform.contract.settings import Argument, Settings
from bnconform.contract.versions import installed

POLICIES = {"float16": "mixed_float16", "bfloat16": "mixed_bfloat16"}
STATE = ("moving_mean", "moving_variance")
NAMES = dict(zip(PER_CHANNEL, ("gamma", "beta", *STATE), strict=True))


@functools.lru_cache(maxsize=256)  # a new layer costs more than a run of it
def _layer(
    rank: int, channels: int, axis: int, policy: str, settable: frozenset[str], replicas: int, **options: Any
) -> Any:
    """Returns a built layer; its variables are the caller's to set, and those of epsilon and momentum in `settable`.

    replicas: of the strategy in whose scope it is made; 0: of none.
    """
    layer = tf_keras.layers.BatchNormalization(axis=axis, dtype=tf_keras.mixed_precision.Policy(policy), **options)
    shape: list[int | None] = [None] * rank
    shape[axis] = channels
    layer.build(shape)
    return layer


@functools.lru_cache(maxsize=256)
def _initial(channels: int, policy: str) -> dict[str, Any]:
    layer = tf_keras.layers.BatchNormalization(dtype=tf_keras.mixed_precision.Policy(policy))
    layer.build([None, channels])
    return {name: getattr(layer, name).numpy() for name in STATE}


def run(case: Case, **options: bool) -> Outcome:
    """Runs a layer with these options of its constructor, and its gradient by tf.GradientTape."""
    if options.get("fused"):
        channels_first(case)
    policy = POLICIES.get(case.dtype, case.dtype)
    params = parameters(case, at_least_float32(case.x.dtype))
    if case.state is not None:
        params = by_state(params, case.state or _initial(case.channels, policy), *STATE)
    affine = {"scale": params.gamma is not None, "center": params.beta is not None}
    settings = given(case, {"epsilon": case.eps}, {"momentum": 1 - case.momentum})
    there = {name: array for name, array in params._asdict().items() if array is not None}
    about, replicas = (case.x.ndim, case.channels, case.axis, policy, frozenset(settings)), len(case.shards)
    with _tf_replicas.strategy(replicas).scope() if replicas else contextlib.nullcontext():
        layer = _layer(*about, replicas, **affine, **options)
        for name, value in settings.items():
            setattr(layer, name, value)
        for name, array in there.items():
            getattr(layer, NAMES[name]).assign(array)
    weights = {"d" + name: getattr(layer, name) for name in ("gamma", "beta") if name in there}
    tracked = [name for name in ("running_mean", "running_var") if name in there]
    through = _tf_replicas.through_replicas if replicas else _tf.through_layer
    outcome = through(
        case,
        functools.partial(layer, training=case.mode == "train"),
        weights,
        lambda: {name: tf.convert_to_tensor(getattr(layer, NAMES[name])) for name in tracked},
    )
    return with_state(case, outcome, *STATE)


DOCUMENTATION = "https://www.tensorflow.org/api_docs/python/tf/keras/layers/BatchNormalization"
SOURCE = "https://github.com/keras-team/tf-keras/blob/v2.21.0/tf_keras/src/layers/normalization/batch_normalization.py"
FUSED = "https://www.tensorflow.org/api_docs/python/tf/raw_ops/FusedBatchNormV3"
POLICY = "https://www.tensorflow.org/api_docs/python/tf/keras/mixed_precision/Policy"
FOLDED = "https://github.com/tensorflow/tensorflow/blob/v2.21.0/tensorflow/python/ops/nn_impl.py#L1491"
SETTINGS = Settings(
    call="tf_keras.layers.BatchNormalization",
    eps=Argument("epsilon", "0.001", DOCUMENTATION),
    momentum=Argument("momentum", "0.99", DOCUMENTATION),
    weighs="old",
    scale=Argument("scale", "True", DOCUMENTATION),
    shift=Argument("center", "True", DOCUMENTATION),
    axis=Argument("axis", "-1", DOCUMENTATION),
)

UNFUSED: dict[str, Any] = {
    "running_var": "biased",
    "stats_dtype": "float32",
    "params_dtype": "float32",
    "backward": "uncentred",
    "links": {
        "running_var": DOCUMENTATION,
        "stats_dtype": SOURCE + "#L608-L612",
        "params_dtype": POLICY,
        "backward": FOLDED,
    },
}
SYNCHRONIZED = replace(
    Dialect(**UNFUSED), variance="one-pass", links={**UNFUSED["links"], "variance": SOURCE + "#L1203-L1206"}
)


def _implementation(name: str, options: dict[str, Any], dialect: Dialect, **more: Any) -> Implementation:
    return Implementation(
        name="tf_keras.layers.BatchNormalization" + name,
        run=functools.partial(run, **options),
        dialect=dialect,
        version=tf_keras.__version__,
        versions=installed("tf_keras", *_tf.DISTRIBUTIONS),
        **{"settings": SETTINGS, "features": {"state", *DEFAULTS}, **more},
    )


IMPLEMENTATIONS = [
    _implementation(
        ":fused",
        {"fused": True},
        # What the running variance is, biased or not, is documented for fused=False only.
        Dialect(
            stats_dtype="float32",
            params_dtype="float32",
            attribute_dtype="float32",
            links={"stats_dtype": FUSED, "params_dtype": POLICY, "attribute_dtype": FUSED},
        ),
        ranks={4, 5},
        dtypes={"float16", "float32"},
        features={"between", "state", "wide_parameters", *DEFAULTS},
    ),
    _implementation(
        ":unfused",
        {"fused": False},
        Dialect(**UNFUSED),
        dtypes={"float32", "float64"},  # 16 bits are cast to float32 first, as in Keras 3
        features={"between", "state", *DEFAULTS},
    ),
    _implementation(":synchronized", {"synchronized": True}, SYNCHRONIZED, dtypes={"float32"}, opt_in=True),
]
if _tf_replicas.FEATURES:
    IMPLEMENTATIONS.append(
        _implementation(
            ":replicas",
            {"synchronized": True},
            SYNCHRONIZED,
            dtypes={"float32"},
            features=_tf_replicas.FEATURES,
            only=_tf_replicas.FEATURES,
            settings=replace(SETTINGS, fixed={"synchronized": "True"}),
        )
    )
