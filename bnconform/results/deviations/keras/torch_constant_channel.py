"""Keras on torch, float32: a channel whose values are all equal gives NaN or values far from beta = 0, as the one-pass
variance is not clamped at 0."""

import os

os.environ["KERAS_BACKEND"] = "torch"
import keras
import numpy as np

worst = 0.0
for value in (100.1, 3000.1, 3221.1123):
    x = np.full((10, 1), value, np.float32)
    y = keras.ops.convert_to_numpy(keras.layers.BatchNormalization()(x, training=True))
    worst = max(worst, np.inf if np.isnan(y).any() else np.abs(y).max())
    mean, variance = keras.ops.moments(keras.ops.convert_to_tensor(x), axes=[0])
    print(
        f"x = {value} everywhere: y[0] = {y[0, 0]}, "
        f"mean off by {float(mean[0]) - np.float64(x[0, 0]):.2g}, "
        f"variance {float(variance[0]):.3g}; expected y = 0, variance 0"
    )
print("keras", keras.__version__)
raise SystemExit(int(worst > 1e-3))
