"""haiku.BatchNorm: E[x²] - E[x]² squares float16 data in float16: a value above 255 makes y 0 and the running variance
infinite, which nothing says. Exit status 1: still so."""

import haiku as hk
import numpy as np

layer = hk.transform_with_state(lambda x: hk.BatchNorm(False, False, 0.9)(x, is_training=True))
print("haiku", hk.__version__)
for top in (200.0, 300.0):
    x = np.array([[0.0], [top]], np.float16)
    y, state = layer.apply(*layer.init(None, x), None, x)
    variance = float(state["batch_norm/~/var_ema"]["average"].ravel()[0])
    print("x", x.ravel(), "| y: returned", np.ravel(y), "due [-1, 1]")  # -1, 1; then 0, 0
    print("running variance: returned", variance, "due", x.astype(float).var())  # 10000, 10000; then inf, 22500
raise SystemExit(int(not np.isfinite(variance)))  # no tolerance: it is infinite
