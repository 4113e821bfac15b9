"""Keras: one batch of no examples makes the moving statistics of BatchNormalization NaN for good.
KERAS_BACKEND=torch, jax or tensorflow. Exit status 1: still so."""

import os

os.environ.setdefault("KERAS_BACKEND", "torch")
import keras
import numpy as np

layer = keras.layers.BatchNormalization()
print("keras", keras.__version__, keras.backend.backend(), "| moving mean and variance")
for rows in (4, 0, 4):
    layer(np.ones((rows, 1), np.float32), training=True)
    mean, variance = (keras.ops.convert_to_numpy(one)[0] for one in (layer.moving_mean, layer.moving_variance))
    print(f"after {rows} examples: returned {mean:.4f} {variance:.4f}")  # 0.01 0.99, nan nan, nan nan
print("due after 4, 0, 4: 0.0100 0.9900, the same or a refusal, 0.0199 0.9801")  # nothing has no mean to be averaged
raise SystemExit(int(np.isnan(mean)))  # no tolerance: it is no number
