"""flax.linen.BatchNorm(force_float32_reductions=False) squares float16 data in float16: a value above 255 makes y 0 and
the running variance infinite, which the option's documentation does not say. Exit status 1: still so."""

import flax
import jax
import numpy as np
from flax import linen

x = np.array([[0.0], [300.0]], np.float16)
found = {}
for wide in (True, False):
    layer = linen.BatchNorm(use_running_average=False, momentum=0.0, dtype=np.float16, force_float32_reductions=wide)
    y, state = layer.apply(layer.init(jax.random.key(0), x), x, mutable=["batch_stats"])
    found[wide] = float(state["batch_stats"]["var"][0])
    print(f"force_float32_reductions={wide}: y: returned", np.ravel(y), "due [-1, 1]")  # -1, 1; then 0, 0
print("flax", flax.__version__, "| running variance after one step of momentum 0")
print("returned", found[False], "| in float32", found[True], "| due", x.astype(float).var())  # inf, 22500, 22500
raise SystemExit(int(not np.isfinite(found[False])))  # no tolerance: it is infinite
