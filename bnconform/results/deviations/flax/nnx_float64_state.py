"""flax.nnx.BatchNorm with dtype and param_dtype float64: its running statistics are float32 nevertheless."""

import jax

jax.config.update("jax_enable_x64", True)
import numpy as np
from flax import nnx

x = np.array([[0.1], [0.3]])
layer = nnx.BatchNorm(1, momentum=0.9, dtype=np.float64, param_dtype=np.float64, rngs=nnx.Rngs(0))
layer(jax.numpy.asarray(x))
print("type of the running statistics:", layer.mean[...].dtype)
print("running mean", float(layer.mean[...][0]), "expected", 0.1 * x.mean())
print("running variance", float(layer.var[...][0]), "expected", 0.9 + 0.1 * x.var())
raise SystemExit(int(layer.mean[...].dtype != np.float64))
