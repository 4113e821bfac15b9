"""tf.raw_ops.FusedBatchNormV3 compiled by XLA: the variance is E[x²] - E[x]², not clamped at zero, so that it comes out
below -ε and y is NaN (tensorflow/tensorflow#118701). Exit status 1: still so."""

import numpy as np
import tensorflow as tf

x = np.array([10002.0, 10002.5], np.float32).reshape(2, 1, 1, 1)  # both exact; XLA's variance is -16
given = {"scale": [1.0], "offset": [0.0], "mean": [], "variance": [], "epsilon": 0.25, "is_training": True}


def normalize(x):
    return tf.raw_ops.FusedBatchNormV3(x=x, **given).y


y, compiled = (tf.function(normalize, jit_compile=jit)(x).numpy().ravel() for jit in (False, True))
due = (x - x.mean()) / np.sqrt(x.var() + 0.25)
print("tensorflow", tf.__version__)
print("y, compiled by XLA: returned", compiled)  # nan, nan
print("y, not compiled:    returned", y.round(4))  # -0.4472, 0.4472
print("                    due     ", due.ravel().round(4))
raise SystemExit(int(np.isnan(compiled).any()))  # no tolerance: it is no number
