"""A batch of no examples, or one that a mask hides altogether, makes the running statistics of Flax's layers NaN for
good."""

import jax
import numpy as np
from flax import linen, nnx

x, nothing = np.zeros((0, 1), np.float32), np.zeros((2, 1), bool)
layer = linen.BatchNorm(use_running_average=False)
statistics = {"mean": np.zeros(1), "var": np.ones(1)}
variables = {"params": {"scale": np.ones(1), "bias": np.zeros(1)}, "batch_stats": statistics}
found = [layer.apply(variables, x, mutable=["batch_stats"])[1]]
print("linen, empty batch:", found[-1])
found.append(layer.apply(variables, np.ones((2, 1)), mask=nothing, mutable=["batch_stats"])[1])
print("linen, all is hidden:", found[-1])
for name, values, more in (("empty batch", x, {}), ("all is hidden", np.ones((2, 1), np.float32), {"mask": nothing})):
    layer = nnx.BatchNorm(1, rngs=nnx.Rngs(0))
    layer(values, **more)
    found.append({"mean": layer.mean[...], "var": layer.var[...]})
    print(f"nnx, {name}: {found[-1]}")
raise SystemExit(int(any(np.isnan(one).any() for one in jax.tree.leaves(found))))
