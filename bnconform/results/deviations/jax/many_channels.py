"""jax.nn.standardize, bfloat16 on the CPU: with 4096 channels the gradient loses what flows through the variance, as
XLA compares a float32 value with its own rounding to bfloat16. Exit status 1: still so."""

import os

os.environ.setdefault("JAX_PLATFORMS", "cpu")
import jax
import jax.numpy as jnp
import numpy as np

x, g = np.array([0.0, -1.0, 1.0]), np.array([0.0, 0.0, 7.0])


def gradient(channels):
    wide = [jnp.tile(jnp.array(t[:, None], jnp.bfloat16), channels) for t in (x, g)]
    pulled = jax.jit(lambda x, dy: jax.vjp(lambda t: jax.nn.standardize(t, axis=0, epsilon=1e-3), x)[1](dy)[0])
    return np.asarray(pulled(*wide), float)[:, 0]


r = 1 / np.sqrt(x.var() + 1e-3)
due = r * (g - g.mean() - x * r * (g * x * r).mean())
print("jax", jax.__version__, "\n4096 channels returned", gradient(4096), "\n4095 channels returned", gradient(4095))
print("due", due)
raise SystemExit(int(abs(gradient(4096) - due).max() > 0.1 * abs(due).max()))  # bfloat16 keeps two digits and more
