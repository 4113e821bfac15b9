"""equinox.nn.BatchNorm(mode="batch"): a batch of no examples makes the running statistics NaN for good.
Exit status 1: still so."""

import equinox as eqx
import jax
import numpy as np

layer, state = eqx.nn.make_with_state(eqx.nn.BatchNorm)(1, axis_name="batch", mode="batch")
step = jax.vmap(layer, axis_name="batch", in_axes=(0, None), out_axes=(0, None))
before = [float(one[0]) for one in state.get(layer.batch_state_index)]
_, state = step(np.zeros((0, 1), np.float32), state)
after = [float(one[0]) for one in state.get(layer.batch_state_index)]
print("equinox", eqx.__version__, "| running mean and variance")
print("returned", *after)  # nan nan
print("due     ", *before, "as before, or a refusal")  # nothing has no mean to be averaged
raise SystemExit(int(np.isnan(after).any()))  # no tolerance: it is no number
