"""Haiku: E[x²] - E[x]² squares 16-bit data in 16 bits, so that a float16 value above 255 makes y 0 and the running
variance infinite, or NaN, for good; nothing says so."""

import haiku as hk
import jax.numpy as jnp

layer = hk.transform_with_state(lambda x: hk.BatchNorm(True, True, 0.9)(x, is_training=True))
for top in (200, 300):
    x = jnp.array([[0.0], [top]], jnp.float16)
    params, state = layer.init(None, x)
    y, state = layer.apply(params, state, None, x)
    print(
        f"haiku {hk.__version__} x = (0, {top}): y = {y.ravel()}, expected ∓1; running variance",
        state["batch_norm/~/var_ema"]["average"].ravel(),
        f"expected {top * top / 4:g}",
    )
raise SystemExit(int(not jnp.isfinite(state["batch_norm/~/var_ema"]["average"]).all()))
