"""flax.linen.BatchNorm(axis_name=...), the same in flax.nnx: devices whose masks show different numbers of values count
alike, and one whose mask hides all makes NaN of everybody's output. Exit status 1: still so."""

import os

os.environ["XLA_FLAGS"] = "--xla_force_host_platform_device_count=2"
os.environ["JAX_PLATFORMS"] = "cpu"
import flax
import jax
import numpy as np
from flax import linen

x = np.array([[[0.0], [0.0]], [[6.0], [100.0]]], np.float32)  # two devices, two examples each
layer = linen.BatchNorm(use_running_average=False, momentum=0.0, axis_name="devices")
variables = layer.init(jax.random.key(0), x[0])
step = jax.pmap(lambda x, mask: layer.apply(variables, x, mask=mask, mutable=["batch_stats"]), axis_name="devices")
means = []
for shown, due in (([[1, 1], [1, 0]], 2.0), ([[1, 1], [0, 0]], 0.0)):  # one example is filled up, then both
    y, state = step(x, np.array(shown, bool)[..., None])
    means.append(float(state["batch_stats"]["mean"][0, 0]))
    print("flax", flax.__version__, "| mean returned", means[-1], "due", due, "| y of the first", y[0].ravel())
raise SystemExit(int(abs(means[0] - 2.0) > 0.1 and not np.isfinite(means[1])))  # 3.0 and nan; they are small integers
