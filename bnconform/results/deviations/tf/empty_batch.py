"""tf.raw_ops.FusedBatchNormV3: a batch of no examples makes the running statistics NaN (CPU)."""

import numpy as np
import tensorflow as tf

one, zero = tf.ones(2), tf.zeros(2)
for factor in (1.0, 0.1):
    out = tf.raw_ops.FusedBatchNormV3(
        x=tf.zeros((0, 1, 1, 2)),
        scale=one,
        offset=zero,
        mean=zero,
        variance=one,
        epsilon=1e-3,
        exponential_avg_factor=factor,
        is_training=True,
    )
    print(
        f"TensorFlow {tf.__version__}, factor {factor}: mean {out.batch_mean.numpy()} from 0, "
        f"variance {out.batch_variance.numpy()} from 1"
    )
raise SystemExit(int(np.isnan(out.batch_mean).any()))
