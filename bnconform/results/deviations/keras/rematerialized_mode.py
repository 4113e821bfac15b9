"""keras.RematScope on JAX: a layer that is told its mode cannot be called, since jax.checkpoint turns `training` into an
array on which the layer then branches. Exit status 1: still so."""

import os

os.environ["KERAS_BACKEND"] = "jax"
import keras
import numpy as np

x = np.array([[1.0], [3.0]], np.float32)
with keras.RematScope(mode="full"):
    layer = keras.layers.BatchNormalization(epsilon=1e-6)
layer.build((None, 1))
try:
    found = np.asarray(layer(x, training=True)).ravel()
except Exception as error:  # whichever one it is
    found = type(error).__name__
print("keras", keras.__version__, "| a call in training inside RematScope: returned", found, "due [-1. 1.]")
raise SystemExit(int(isinstance(found, str)))
