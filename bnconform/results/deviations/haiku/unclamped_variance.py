"""haiku.BatchNorm: E[x²] - E[x]² of a nearly constant channel is below -ε, and y is not a number; and in float16 the
square of 300 overflows, so that one batch of a single value makes the running variance NaN."""

import haiku as hk
import jax
import numpy as np


def normalize(x):
    return hk.BatchNorm(create_scale=False, create_offset=False, decay_rate=0.9)(x, is_training=True)


function = hk.without_apply_rng(hk.transform_with_state(normalize))
step = jax.jit(function.apply)
rng = np.random.default_rng(0)
for dtype, rows in (("float32", 1000 + rng.standard_normal((3, 2000)) / 100), ("float16", [[300.0]])):
    x = np.asarray(rows, dtype)
    y, state = step(*function.init(None, x), x)
    variance = np.asarray(state["batch_norm/~/var_ema"]["average"])
    print(dtype, x.shape, "y that is not finite:", int((~np.isfinite(np.asarray(y))).sum()), "of", x.size)
    print(
        "  running variance: lowest",
        np.nanmin(variance) if np.isfinite(variance).any() else variance.ravel(),
        "| not finite:",
        int((~np.isfinite(variance)).sum()),
    )
    print("  variance of the batch in float64: lowest", x.astype(np.float64).var(0).min())
raise SystemExit(int(not np.isfinite(variance).all()))
