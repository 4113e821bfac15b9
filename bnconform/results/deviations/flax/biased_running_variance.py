"""Flax averages the biased variance of the batch into the running variance, where torch and the paper take the unbiased
one. Exit status 1: still so."""

import flax
import jax
import numpy as np
from flax import linen

x = np.array([[-1.0], [1.0], [-1.0], [1.0]], np.float32)
layer = linen.BatchNorm(use_running_average=False, momentum=0.0)
_, state = layer.apply(layer.init(jax.random.key(0), x), x, mutable=["batch_stats"])
variance = float(state["batch_stats"]["var"][0])
print("flax", flax.__version__, "| running variance after one step of momentum 0")
print("returned", variance, "biased", x.var(), "due, unbiased", x.var(ddof=1).round(3))  # 1, 1, 1.333
raise SystemExit(int(abs(variance - x.var()) < 0.01))  # within 0.01 of the biased one; the other is 0.33 away
