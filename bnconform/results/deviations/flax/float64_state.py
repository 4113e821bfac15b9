"""flax.linen.BatchNorm with dtype and param_dtype float64: a new layer's statistics are float32, so that y of inference
has 8 right digits. Exit status 1: still so."""

import flax
import jax

jax.config.update("jax_enable_x64", True)
import numpy as np
from flax import linen

x = np.array([[1.0]])
layer = linen.BatchNorm(use_running_average=True, dtype=np.float64, param_dtype=np.float64, epsilon=0.25)
variables = layer.init(jax.random.key(0), x)  # of mean 0 and variance 1
y = np.asarray(layer.apply(variables, x))
wide = jax.tree.map(lambda one: one.astype(np.float64), variables)
print("flax", flax.__version__, "| type of the statistics:", variables["batch_stats"]["var"].dtype)  # float32
print("y: returned             ", y[0, 0])  # 0.8944271802902222
print("y, statistics in float64", np.asarray(layer.apply(wide, x))[0, 0])  # 0.8944271909999159
print("y: due                  ", ((x - 0) / np.sqrt(1 + 0.25))[0, 0])
raise SystemExit(int(abs(y[0, 0] - 1 / np.sqrt(1.25)) > 1e-14))  # off by more than 1e-14; float64 rounds to 1e-16
