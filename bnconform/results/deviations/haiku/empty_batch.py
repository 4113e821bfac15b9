"""A batch of no examples makes the running statistics of haiku.BatchNorm NaN for good."""

import haiku as hk
import jax
import numpy as np

function = hk.transform_with_state(lambda x: hk.BatchNorm(True, True, 0.9)(x, is_training=True))
start = function.init(None, np.ones((2, 1), np.float32))
state = function.apply(*start, None, np.zeros((0, 1), np.float32))[1]
print("haiku", hk.__version__, "empty batch:", state)
raise SystemExit(int(any(np.isnan(one).any() for one in jax.tree.leaves(state))))
