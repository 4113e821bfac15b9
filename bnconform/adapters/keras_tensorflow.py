"""Keras on TensorFlow: `keras.layers.BatchNormalization`, run eagerly.

Rules: those of `_keras`.
"""

from __future__ import annotations

import os

os.environ["KERAS_BACKEND"] = "tensorflow"

import tensorflow as tf

from bnconform.adapters import _keras
from bnconform.adapters._arrays import with_state
from bnconform.case import Case, Outcome

if os.environ.get("BNCONFORM_DEVICE", "cpu") == "cpu":
    tf.config.set_visible_devices([], "GPU")


def run(case: Case) -> Outcome:
    """Runs a new layer on the case, and its gradient by tf.GradientTape."""
    layer, params = _keras.set_layer(case)
    x = tf.constant(case.x)
    found, mask = {}, _keras.mask_of(case)
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = layer(x, training=case.mode == "train", mask=None if mask is None else tf.constant(mask))
    if case.dy is not None:
        wanted = {"dx": x, **_keras.weights(layer, params)}
        found = tape.gradient(y, wanted, output_gradients=tf.constant(case.dy))
    found |= {"y": y, **_keras.statistics(layer, params)}
    return with_state(case, Outcome(**{name: tensor.numpy() for name, tensor in found.items()}), *_keras.STATE)


FOLDED = "https://github.com/tensorflow/tensorflow/blob/v2.21.0/tensorflow/python/ops/nn_impl.py#L1491"

IMPLEMENTATIONS = [
    _keras.implementation(
        "tensorflow",
        run,
        _keras.dialect(
            backward="uncentred",
            links={"backward": FOLDED},
        ),
    )
]
