"""A batch of no examples makes the running statistics of equinox.nn.BatchNorm NaN for good."""

import equinox as eqx
import jax
import numpy as np

layer, state = eqx.nn.make_with_state(eqx.nn.BatchNorm)(1, axis_name="batch", mode="batch")
step = jax.vmap(layer, axis_name="batch", in_axes=(0, None), out_axes=(0, None))
_, state = step(np.zeros((0, 1), np.float32), state)
mean, var = state.get(layer.batch_state_index)
print("equinox", eqx.__version__, "empty batch: mean", mean, "var", var)
raise SystemExit(int(np.isnan(mean).any() or np.isnan(var).any()))
