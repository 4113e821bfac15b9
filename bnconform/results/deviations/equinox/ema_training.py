"""equinox.nn.BatchNorm(mode="ema") normalizes a training step by its moving average, not by the batch, after the
first."""

import equinox as eqx
import jax
import numpy as np

layer, state = eqx.nn.make_with_state(eqx.nn.BatchNorm)(1, axis_name="batch", mode="ema", eps=0.0)
step = jax.vmap(lambda x, s: layer(x, s), axis_name="batch", in_axes=(0, None), out_axes=(0, None))
for x in ([[-1.0], [1.0]], [[4.0], [6.0]]):
    y, state = step(np.array(x, np.float32), state)
    print("x", np.ravel(x), "gives y", np.asarray(y).ravel(), "by the batch it would be [-1. 1.]")
raise SystemExit(int(not np.allclose(np.ravel(y), [-1, 1], atol=1e-3)))
