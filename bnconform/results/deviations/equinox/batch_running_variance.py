"""equinox.nn.BatchNorm(mode="batch"): its running variance begins at 1 and is divided by 1 - momentum^count as if it
had begun at 0, so that inference after one step divides by a variance that is 99 too large; and it averages the
biased variance of the batch where the documentation says "exponential running mean and unbiased variance"."""

import equinox as eqx
import jax
import numpy as np

x = np.array([[-1.0], [1.0], [-1.0], [1.0]], np.float32)  # biased variance 1, unbiased 4/3
momentum = 0.99  # the default
layer, state = eqx.nn.make_with_state(eqx.nn.BatchNorm)(1, axis_name="batch", mode="batch", momentum=momentum)


def over_the_batch(state, inference):
    return jax.vmap(
        lambda x, s: layer(x, s, inference=inference), axis_name="batch", in_axes=(0, None), out_axes=(0, None)
    )(x, state)


hidden = []
for step in range(1, 4):
    _, state = over_the_batch(state, False)
    hidden.append(float(state.get(layer.batch_state_index)[1][0]))
    y, state = over_the_batch(state, True)
    print(
        f"after {step} steps: y of inference by the running statistics",
        np.asarray(y).ravel()[:2],
        "expected about -1, 1",
    )
    print("  running variance that inference divides by", hidden[-1] / (1 - momentum**step), "of batches of variance 1")
# Each step adds (1 - momentum)·s to momentum·(what was there): s of the batch shows without the start and the division.
print(
    "variance of the batch that is averaged",
    round((hidden[1] - momentum * hidden[0]) / (1 - momentum), 4),
    "biased 1, unbiased",
    4 / 3,
)
raise SystemExit(int(not np.allclose(np.abs(y), 1, atol=0.1)))
