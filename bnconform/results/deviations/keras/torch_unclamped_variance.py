"""Keras on torch: the variance is computed as E[x²] - E[x]² and not clamped at zero, so that it comes out below -ε and
y is NaN; torch's own batch_norm is right. Exit status 1: still so."""

import os

os.environ["KERAS_BACKEND"] = "torch"
import keras
import numpy as np
import torch

x = np.array([[3000.5], [3001.0]], np.float32)  # both exact
y = keras.ops.convert_to_numpy(keras.layers.BatchNormalization(epsilon=0.25)(x, training=True))
variance = keras.ops.convert_to_numpy(keras.ops.moments(keras.ops.convert_to_tensor(x), axes=[0])[1])
own = torch.nn.functional.batch_norm(torch.tensor(x), None, None, training=True, eps=0.25).numpy()
due = (x - x.mean(0)) / np.sqrt(x.var(0) + 0.25)
print("keras", keras.__version__, "torch", torch.__version__)
print("variance: returned", variance, "due", x.var(0))  # -1, 0.0625
print("y: returned           ", y.ravel())  # nan, nan
print("y, torch.nn.functional", own.ravel().round(4))  # -0.4472, 0.4472
print("y: due                ", due.ravel().round(4))
raise SystemExit(int(np.isnan(y).any()))  # no tolerance: it is no number
