"""Flax: with force_float32_reductions=False, E[x²] - E[x]² squares float16 data in float16, so that a value above 255
makes y 0 and the running variance infinite, or NaN, for good; the option's documentation says nothing of that range."""

import jax
import jax.numpy as jnp
from flax import linen

for top in (200, 300):
    x = jnp.array([[0.0], [top]], jnp.float16)
    layer = linen.BatchNorm(use_running_average=False, momentum=0.0, dtype=jnp.float16, force_float32_reductions=False)
    variables = layer.init(jax.random.key(0), x)
    y, new = layer.apply(variables, x, mutable=["batch_stats"])
    print(
        f"x = (0, {top}): y = {y.ravel()}, expected ∓1; running variance {new['batch_stats']['var']},",
        f"expected {top * top / 4:g}",
    )
raise SystemExit(int(not jnp.isfinite(new["batch_stats"]["var"]).all()))
