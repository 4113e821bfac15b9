"""tf.raw_ops.FusedBatchNormV3 compiled by XLA: the variance is E[x^2] - E[x]^2 and below zero, so that y is NaN."""

import os

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
import numpy as np
import tensorflow as tf

x = (np.random.default_rng(0).standard_normal((64, 1, 1, 8)) + 1e5).astype(np.float32)
one, zero, empty = tf.ones(8), tf.zeros(8), tf.zeros(0)


def normalize(x):
    out = tf.raw_ops.FusedBatchNormV3(x=x, scale=one, offset=zero, mean=empty, variance=empty, epsilon=1e-5)
    return out.y, out.batch_variance


for jit in (False, True):
    y, variance = tf.function(normalize, jit_compile=jit)(x)
    print(
        f"TensorFlow {tf.__version__}, jit_compile={jit}: NaN in y: {np.isnan(y).sum()} of {x.size}; "
        f"variances {variance.numpy().round(2)}, exact {x.astype(np.float64).var((0, 1, 2), ddof=1).round(2)}"
    )
raise SystemExit(int(np.isnan(y).any()))
