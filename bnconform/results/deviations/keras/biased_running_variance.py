"""Keras averages the biased variance of the batch into the running variance; torch the unbiased one.

Run with KERAS_BACKEND=tensorflow, torch or jax."""

import os

os.environ.setdefault("KERAS_BACKEND", "torch")
import keras
import numpy as np

x = np.array([[-1.0], [1.0], [-1.0], [1.0]], np.float32)  # biased variance 1, unbiased 4/3
layer = keras.layers.BatchNormalization(momentum=0.0)
layer(x, training=True)
variance = float(keras.ops.convert_to_numpy(layer.moving_variance)[0])
print("keras", keras.__version__, keras.backend.backend(), "running variance", variance, "biased 1, unbiased", 4 / 3)
raise SystemExit(int(abs(variance - 1) < 1e-3))
