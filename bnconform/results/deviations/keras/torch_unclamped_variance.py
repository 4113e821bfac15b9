"""Keras on torch: the one-pass variance E[x^2] - E[x]^2 is not clamped at 0; far from zero it is negative and y is
NaN."""

import os

os.environ["KERAS_BACKEND"] = "torch"
import keras
import numpy as np
import torch

for offset in (1e2, 1e3, 1e4, 1e5):
    x = (offset + np.random.default_rng(0).standard_normal((64, 8))).astype(np.float32)
    layer = keras.layers.BatchNormalization(epsilon=1e-3)
    y = keras.ops.convert_to_numpy(layer(torch.tensor(x), training=True))
    mean, var = (v.detach().numpy() for v in keras.ops.moments(torch.tensor(x), axes=[0]))
    x64 = x.astype(np.float64)
    exact = (x64 - x64.mean(0)) / np.sqrt(x64.var(0) + 1e-3)
    print(
        f"mean {offset:g}, spread 1: smallest variance {var.min():.4g} (exact {x64.var(0).min():.4g}), "
        f"NaN in {np.isnan(y).mean():.0%} of y, worst error of the others {np.nanmax(np.abs(y - exact)):.2g}"
    )
raise SystemExit(int(np.isnan(y).any()))
