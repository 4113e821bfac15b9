"""equinox.nn.BatchNorm(mode="batch"): the running variance of a new layer begins at 1, and inference divides it by
1 - momentum^count as if it had begun at 0. Exit status 1: still so."""

import equinox as eqx
import jax
import numpy as np

x = np.array([[-1.0], [1.0], [-1.0], [1.0]], np.float32)  # of mean 0 and variance 1, the same batch in each step
layer, state = eqx.nn.make_with_state(eqx.nn.BatchNorm)(1, axis_name="batch", mode="batch", momentum=0.99)
train = jax.vmap(layer, axis_name="batch", in_axes=(0, None), out_axes=(0, None))
infer = jax.vmap(eqx.nn.inference_mode(layer), axis_name="batch", in_axes=(0, None), out_axes=(0, None))
_, state = train(x, state)
hidden = float(state.get(layer.batch_state_index)[1][0])
y = np.ravel(infer(x, state)[0])
due = x.ravel() / np.sqrt(x.var())
print("equinox", eqx.__version__, "| after one step of momentum 0.99")
print("running variance: returned", round(hidden / (1 - 0.99), 2), "due", x.var())  # 100, as (0.99 + 0.01)/(1 - 0.99)
print("y of inference: returned", y.round(2))  # -0.1, 0.1, -0.1, 0.1
print("                due     ", due)
raise SystemExit(int(np.abs(y - due).max() > 0.2))  # off by more than 0.2; an unbiased variance, 4/3, costs 0.13
