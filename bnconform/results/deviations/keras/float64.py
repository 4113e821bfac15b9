"""Keras layers of dtype float64 compute in float32 on torch and on JAX (x64 enabled), in float64 on TensorFlow.
Run with KERAS_BACKEND=torch, jax or tensorflow."""

import os

os.environ.setdefault("KERAS_BACKEND", "torch")
os.environ["JAX_ENABLE_X64"] = "1"
os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
import keras
import numpy as np

x = np.random.default_rng(0).standard_normal((8, 3)) + 10
layer = keras.layers.BatchNormalization(dtype="float64", epsilon=0.25, momentum=0.5)
y = layer(keras.ops.convert_to_tensor(x, dtype="float64"), training=True)
exact = (x - x.mean(0)) / np.sqrt(x.var(0) + 0.25)
got = keras.ops.convert_to_numpy(y)
print(
    keras.backend.backend(),
    keras.__version__,
    "y is",
    got.dtype,
    "| compute dtype of the layer:",
    layer.compute_dtype,
    "| result_type('float64', 'float32') =",
    keras.backend.result_type("float64", "float32"),
    f"| worst |y - exact| = {np.abs(got - exact).max():.1e}; float32 rounding {2.0**-24:.1e}, float64 {2.0**-53:.1e}",
    "| moving mean:",
    layer.moving_mean.dtype,
    f"off by {np.abs(keras.ops.convert_to_numpy(layer.moving_mean) - 0.5 * x.mean(0)).max():.1e}",
)
raise SystemExit(int(np.abs(got - exact).max() > 1e-12))
