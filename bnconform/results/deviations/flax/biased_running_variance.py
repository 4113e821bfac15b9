"""Flax averages the biased variance of the batch into the running variance; torch the unbiased one."""

import flax
import jax.numpy as jnp
import numpy as np
from flax import linen

x = np.array([[-1.0], [1.0], [-1.0], [1.0]], np.float32)  # biased variance 1, unbiased 4/3
layer = linen.BatchNorm(use_running_average=False, momentum=0.0)
statistics = {"mean": jnp.zeros(1), "var": jnp.ones(1)}
variables = {"params": {"scale": jnp.ones(1), "bias": jnp.zeros(1)}, "batch_stats": statistics}
_, new = layer.apply(variables, x, mutable=["batch_stats"])
variance = float(new["batch_stats"]["var"][0])
print("flax", flax.__version__, "running variance", variance, "biased 1, unbiased", 4 / 3)
raise SystemExit(int(abs(variance - 1) < 1e-3))
