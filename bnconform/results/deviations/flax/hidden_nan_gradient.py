"""flax.linen.BatchNorm with a mask: a NaN that the mask hides makes the gradients of all shown values NaN, and those of
scale, though neither the output nor the loss sees it. Exit status 1: still so."""

import flax
import jax
import numpy as np
from flax import linen as nn

layer, mask = nn.BatchNorm(use_running_average=False), np.array([[True], [True], [True], [False]])
found = {}
for name, hidden in (("NaN", np.nan), ("number", 5.0)):
    x = np.array([[1.0], [2.0], [4.0], [hidden]], np.float32)
    variables = layer.init(jax.random.key(0), x)

    def loss(x, variables=variables):
        y, _ = layer.apply(variables, x, mask=mask, mutable=["batch_stats"])
        return jax.numpy.where(mask, y, 0.0)[0, 0]  # the first value, which the mask shows

    found[name] = np.asarray(jax.grad(loss)(x))[:3, 0]

print("flax", flax.__version__, "jax", jax.__version__)
print("gradient of shown values, NaN hidden:    returned", found["NaN"])  # nan, nan, nan
print("gradient of shown values, number hidden: due     ", found["number"])
raise SystemExit(int(not np.abs(found["NaN"] - found["number"]).max() < 0.01))  # equal, or NaN
