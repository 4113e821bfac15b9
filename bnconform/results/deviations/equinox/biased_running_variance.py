"""equinox.nn.BatchNorm(mode="batch") averages the biased variance of the batch, where its documentation says
"exponential running mean and unbiased variance". Exit status 1: still so."""

import equinox as eqx
import jax
import numpy as np

x = np.array([[-1.0], [1.0], [-1.0], [1.0]], np.float32)
layer, state = eqx.nn.make_with_state(eqx.nn.BatchNorm)(1, axis_name="batch", mode="batch", momentum=0.5)
train = jax.vmap(layer, axis_name="batch", in_axes=(0, None), out_axes=(0, None))
hidden = [float(state.get(layer.batch_state_index)[1][0])]
for _ in range(2):
    _, state = train(x, state)
    hidden.append(float(state.get(layer.batch_state_index)[1][0]))
# a step adds 0.5 of the batch's variance to 0.5 of what was there, wherever that began
averaged = (hidden[2] - 0.5 * hidden[1]) / 0.5
print("equinox", eqx.__version__, "| variance of the batch that is averaged")
print("returned", averaged, "biased", x.var(), "due, unbiased", x.var(ddof=1).round(3))  # 1, 1, 1.333
raise SystemExit(int(abs(averaged - x.var()) < 0.01))  # within 0.01 of the biased one; the other is 0.33 away
