"""sonnet.BatchNorm averages the unbiased variance where x has rank 4 with the channels last, and the biased one in any
other rank; its documentation says neither. Exit status 1: still so."""

import numpy as np
import sonnet
import tensorflow as tf

rows = np.array([-1.0, 1.0, -1.0, 1.0], np.float32)
found = []
for shape in ((4, 1, 1, 1), (4, 1)):
    layer = sonnet.BatchNorm(create_scale=True, create_offset=True, decay_rate=0.0)
    layer(tf.constant(rows.reshape(shape)), is_training=True)
    found.append(layer.moving_variance.value.numpy().item())
print("sonnet", sonnet.__version__, "| moving variance after one step of momentum 0")
print("rank 4: returned", round(found[0], 3))  # 1.333
print("rank 2: returned", round(found[1], 3))  # 1
print("due the same: biased", rows.var(), "or unbiased", rows.var(ddof=1).round(3))
raise SystemExit(int(abs(found[0] - found[1]) > 0.01))  # more than 0.01 apart; float32 rounds to 1e-7
