"""flax.linen.BatchNorm with dtype and param_dtype float64: a new layer's statistics are float32 nevertheless."""

import jax

jax.config.update("jax_enable_x64", True)
import numpy as np
from flax import linen

x = np.array([[1.0], [3.0]])
layer = linen.BatchNorm(use_running_average=True, dtype=np.float64, param_dtype=np.float64, epsilon=0.25)
variables = layer.init(jax.random.key(0), x)
print("statistics of a new layer:", variables["batch_stats"]["var"].dtype)
print("y       ", np.asarray(layer.apply(variables, x)).ravel())
print("x/√1.25 ", x.ravel() / np.sqrt(1.25))
raise SystemExit(int(variables["batch_stats"]["var"].dtype != np.float64))
