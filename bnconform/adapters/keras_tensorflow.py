"""Keras on TensorFlow: `keras.layers.BatchNormalization`, run eagerly.

Rules: those of `_keras` and of `_tf`. Synchronized, there is one replica, so that the statistics are those of the
batch, computed as for several; `:replicas` are several, and take nothing but batches that are shared out.
"""

from __future__ import annotations

import os

os.environ["KERAS_BACKEND"] = "tensorflow"

import functools
from dataclasses import replace

import tensorflow as tf

from bnconform.adapters import _keras, _tf, _tf_replicas
from bnconform.adapters._arrays import DEFAULTS, with_state
from bnconform.contract.case import Case
from bnconform.contract.outcome import Outcome

FITS = {"keras": ">=3"}


def run(case: Case, kind: _keras.Kind = _keras.PLAIN) -> Outcome:
    """Runs a new layer on the case, and its gradient by tf.GradientTape."""
    if case.shards:
        return run_shared(case, kind)
    layer, params = _keras.set_layer(case, kind)
    mask = _keras.mask_of(case)
    call = functools.partial(layer, training=case.mode == "train", mask=None if mask is None else tf.constant(mask))
    weights = _keras.weights(layer, params)
    outcome = _tf.through_layer(case, call, weights, lambda: _keras.statistics(layer, params))
    return with_state(case, outcome, *_keras.STATE)


def run_shared(case: Case, kind: _keras.Kind) -> Outcome:
    """Runs a layer on several replicas under tf.distribute.MirroredStrategy."""
    with _tf_replicas.strategy(len(case.shards)).scope():
        layer, params = _keras.set_layer(case, kind._replace(replicas=len(case.shards)))
    call = functools.partial(layer, training=case.mode == "train")
    read = functools.partial(_keras.statistics, layer, params)
    return _tf_replicas.through_replicas(case, call, _keras.weights(layer, params), read, _keras.mask_of(case))


FOLDED = "https://github.com/tensorflow/tensorflow/blob/v2.21.0/tensorflow/python/ops/nn_impl.py#L1491"
BACKEND = _keras.SOURCE + "backend/tensorflow/nn.py"
DIALECT = _keras.dialect(backward="uncentred", links={"backward": FOLDED})
SYNCHRONIZED = _keras.dialect(
    backward="uncentred", variance="one-pass", links={"backward": FOLDED, "variance": BACKEND + "#L1538-L1539"}
)

SNIPPET = _keras.snippet(
    "tensorflow",
    after='\ntensorflow.config.set_visible_devices([], "GPU")',
    tensor="""\
    return tensorflow.cast(tensorflow.constant(VALUES[name]), dtype)
""",
    gradients="""\
    found = {}
    with tensorflow.GradientTape() as tape:
        tape.watch(x)
        y = layer(x, training=MODE == "train")
    if VALUES["dy"] is not None:
        found |= tape.gradient(y, sources, output_gradients=tensor("dy", DTYPES["x"]))
""",
    values="""\
    return {name: value.numpy() for name, value in found.items()}
""",
)

IMPLEMENTATIONS = [
    _keras.implementation("tensorflow", run, DIALECT, further={"between", "earlier", "wanted"}, snippet=SNIPPET),
    _keras.sixteen_bits("tensorflow", functools.partial(run, kind=_keras.SIXTEEN_BITS), DIALECT),
    _keras.implementation(
        "tensorflow",
        functools.partial(run, kind=_keras.Kind(synchronized=True)),
        SYNCHRONIZED,
        name="keras.layers.BatchNormalization@tensorflow:synchronized",
        dtypes={"float32"},
        features={"state", *DEFAULTS},
        opt_in=True,
    ),
]
if _tf_replicas.FEATURES:
    IMPLEMENTATIONS.append(
        _keras.implementation(
            "tensorflow",
            functools.partial(run, kind=_keras.Kind(synchronized=True)),
            SYNCHRONIZED,
            name="keras.layers.BatchNormalization@tensorflow:replicas",
            dtypes={"float32"},
            features={"mask", *_tf_replicas.FEATURES},
            only=_tf_replicas.FEATURES,
            settings=replace(_keras.SETTINGS, fixed={"synchronized": "True"}),
        )
    )
