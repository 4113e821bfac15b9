"""keras.layers.BatchNormalization(dtype="float64") computes in float32 on JAX and on torch, in float64 on TensorFlow
(keras-team/keras#23704). KERAS_BACKEND=torch, jax or tensorflow. Exit status 1: still so."""

import os

os.environ.setdefault("KERAS_BACKEND", "torch")
os.environ["JAX_ENABLE_X64"] = "1"
import keras
import numpy as np

x = np.array([[0.0], [0.5]])
layer = keras.layers.BatchNormalization(dtype="float64", epsilon=0.25)
y = keras.ops.convert_to_numpy(layer(keras.ops.convert_to_tensor(x, dtype="float64"), training=True))
due = (x - x.mean(0)) / np.sqrt(x.var(0) + 0.25)
print("keras", keras.__version__, keras.backend.backend(), "| type of y:", y.dtype)  # float64
print("result_type of float64 and float32:", keras.backend.result_type("float64", "float32"))  # float64 on TensorFlow
print("returned", y[1, 0])  # 0.4472135901451111: 8 digits are right
print("due     ", due[1, 0])  # 0.4472135954999579
raise SystemExit(int(np.abs(y - due).max() > 1e-14))  # off by more than 1e-14; float64 rounds to 1e-16
