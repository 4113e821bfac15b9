"""haiku.BatchNorm: the variance is E[x²] - E[x]², not clamped at zero: that of a nearly constant channel comes out
below -ε, and y is NaN. Exit status 1: still so."""

import haiku as hk
import numpy as np

x = np.array([[3000.5], [3001.0]], np.float32)
function = hk.transform_with_state(lambda x: hk.BatchNorm(False, False, 0.9, 0.25)(x, is_training=True))
y, state = function.apply(*function.init(None, x), None, x)
variance = float(state["batch_norm/~/var_ema"]["average"].ravel()[0])
due = (x - x.mean(0)) / np.sqrt(x.var(0) + 0.25)
print("haiku", hk.__version__)
print("variance: returned", variance, "due", x.var())  # -1, 0.0625
print("y: returned", np.ravel(y))  # nan, nan
print("   due     ", due.ravel().round(4))  # -0.4472, 0.4472
raise SystemExit(int(np.isnan(y).any()))  # no tolerance: it is no number
