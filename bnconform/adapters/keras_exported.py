"""Keras' ways to production on TensorFlow: Model.export as a SavedModel, and LiteRT's converter behind it.

Rules: those of `_keras`. What is exported is a model of the one layer in inference, with the case's values in it; it
goes through a folder, or the bytes of a file, before it runs. There are no gradients and no averages to move.
"""

from __future__ import annotations

import os

os.environ["KERAS_BACKEND"] = "tensorflow"

import tempfile
import warnings
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from bnconform.adapters import _keras, _tf
from bnconform.contract.case import Case
from bnconform.contract.dialect import Dialect
from bnconform.contract.errors import Unsupported
from bnconform.contract.implementation import Implementation
from bnconform.contract.outcome import Outcome
from bnconform.contract.versions import installed

Answer = Callable[[str, np.ndarray], np.ndarray]


def saved(folder: str, x: np.ndarray) -> np.ndarray:
    """Returns what the model in a folder answers, loaded by TensorFlow."""
    loaded = tf.saved_model.load(folder)  # holds its variables, which what it serves does not
    y: np.ndarray = loaded.serve(tf.constant(x)).numpy()
    return y


def converted(folder: str, x: np.ndarray) -> np.ndarray:
    """Returns what LiteRT answers by its conversion of the model in a folder."""
    with warnings.catch_warnings():  # that tf.lite moves to a package of its own
        warnings.simplefilter("ignore")
        content = tf.lite.TFLiteConverter.from_saved_model(folder).convert()
        interpreter = tf.lite.Interpreter(model_content=content)
    (source,), (result,) = interpreter.get_input_details(), interpreter.get_output_details()
    interpreter.resize_tensor_input(source["index"], x.shape)
    interpreter.allocate_tensors()
    interpreter.set_tensor(source["index"], x)
    interpreter.invoke()
    y: np.ndarray = interpreter.get_tensor(result["index"])
    return y


def run(case: Case, answer: Answer) -> Outcome:
    """Exports a layer set to the case, and runs what was exported."""
    if case.mode != "infer":
        raise Unsupported("what is exported answers in inference alone")
    if not case.x.size:
        raise Unsupported("an exported model takes no empty batch")
    layer, _ = _keras.set_layer(case)
    given = keras.Input(batch_shape=case.x.shape, dtype=case.dtype)
    model = keras.Model(given, layer(given, training=False))
    with tempfile.TemporaryDirectory() as folder:
        model.export(folder, format="tf_saved_model", verbose=False)
        return Outcome(y=answer(folder, np.ascontiguousarray(case.x)))


def _implementation(name: str, answer: Answer) -> Implementation:
    keras_link = {"params_dtype": "https://keras.io/api/mixed_precision/policy/"}
    return Implementation(
        name=name,
        run=partial(run, answer=answer),
        dialect=Dialect(params_dtype="float32", links=keras_link),
        dtypes={"float32"},
        opt_in=True,
        version=keras.__version__,
        versions=installed("keras", *_tf.DISTRIBUTIONS),
        settings=replace(_keras.SETTINGS, offers=("inference",)),
    )


IMPLEMENTATIONS: list[Any] = [
    _implementation("keras.export:saved_model", saved),
    _implementation("keras.export:litert", converted),
]
