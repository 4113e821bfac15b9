"""haiku.BatchNorm: a batch of no examples makes the running statistics NaN for good. Exit status 1: still so."""

import haiku as hk
import numpy as np

function = hk.transform_with_state(lambda x: hk.BatchNorm(True, True, 0.9)(x, is_training=True))
start = function.init(None, np.ones((2, 1), np.float32))
state = function.apply(*start, None, np.zeros((0, 1), np.float32))[1]
found = [float(state[f"batch_norm/~/{name}_ema"]["average"].ravel()[0]) for name in ("mean", "var")]
print("haiku", hk.__version__, "| running mean and variance")
print("returned", *found)  # nan nan
print("due 0.0 0.0, as before, or a refusal")  # nothing has no mean to be averaged
raise SystemExit(int(np.isnan(found).any()))  # no tolerance: it is no number
