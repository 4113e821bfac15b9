"""flax.nnx.BatchNorm with dtype and param_dtype float64: its running statistics are float32, so that the running mean
has 8 right digits. Exit status 1: still so."""

import flax
import jax

jax.config.update("jax_enable_x64", True)
import numpy as np
from flax import nnx

x = np.array([[0.1], [0.3]])
layer = nnx.BatchNorm(1, momentum=0.9, dtype=np.float64, param_dtype=np.float64, rngs=nnx.Rngs(0))
y = layer(jax.numpy.asarray(x))
due = 0.9 * 0 + 0.1 * x.mean()
print("flax", flax.__version__, "| y is", y.dtype, "| the statistics are", layer.mean[...].dtype)  # float64, float32
print("running mean: returned", float(layer.mean[...][0]))  # 0.019999999552965164
print("running mean: due     ", due)  # 0.02
raise SystemExit(int(abs(float(layer.mean[...][0]) - due) > 1e-14))  # off by more than 1e-14; float64 rounds to 1e-18
