"""Keras averages the biased variance of the batch into the moving variance, where torch and the paper take the unbiased
one. KERAS_BACKEND=torch, jax or tensorflow. Exit status 1: still so."""

import os

os.environ.setdefault("KERAS_BACKEND", "torch")
import keras
import numpy as np

x = np.array([[-1.0], [1.0], [-1.0], [1.0]], np.float32)
layer = keras.layers.BatchNormalization(momentum=0.0)
layer(x, training=True)
variance = keras.ops.convert_to_numpy(layer.moving_variance)[0]
print("keras", keras.__version__, keras.backend.backend(), "| moving variance after one step of momentum 0")
print("returned", variance, "biased", x.var(), "due, unbiased", x.var(ddof=1).round(3))  # 1, 1, 1.333
raise SystemExit(int(abs(variance - x.var()) < 0.01))  # within 0.01 of the biased one; the other is 0.33 away
