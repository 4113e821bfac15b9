"""flax.linen.BatchNorm: a batch of no examples, or one that a mask hides altogether, makes the running statistics NaN
for good. Exit status 1: still so."""

import flax
import jax
import numpy as np
from flax import linen

x = np.ones((2, 1), np.float32)
layer = linen.BatchNorm(use_running_average=False)
variables = layer.init(jax.random.key(0), x)
found = []
print("flax", flax.__version__, "| running mean and variance")
for name, rows, mask in (("no examples", x[:0], None), ("all is hidden", x, np.zeros((2, 1), bool))):
    _, state = layer.apply(variables, rows, mask=mask, mutable=["batch_stats"])
    found += [float(state["batch_stats"]["mean"][0]), float(state["batch_stats"]["var"][0])]
    print(f"{name}: returned", *found[-2:])  # nan nan
print("due 0.0 1.0, as before, or a refusal")  # nothing has no mean to be averaged
raise SystemExit(int(np.isnan(found).any()))  # no tolerance: it is no number
