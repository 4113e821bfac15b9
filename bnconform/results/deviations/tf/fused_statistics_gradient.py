"""tf.raw_ops.FusedBatchNormV3 returns the batch's mean and variance, and sends a gradient of zero to x for each, where
tf.nn.moments sends the right one (tensorflow/tensorflow#20407). Exit status 1: still so."""

import numpy as np
import tensorflow as tf

rows = np.array([0.0, 1.0, 2.0, 5.0], np.float32)
x = tf.constant(rows.reshape(4, 1, 1, 1))
given = {"scale": [1.0], "offset": [0.0], "mean": [], "variance": [], "epsilon": 0.25, "is_training": True}
with tf.GradientTape(persistent=True) as tape:
    tape.watch(x)
    fused = tf.raw_ops.FusedBatchNormV3(x=x, **given)
    mean, variance = tf.nn.moments(x, [0, 1, 2])
found = {"fused": np.ravel(tape.gradient(fused.batch_mean, x)), "moments": np.ravel(tape.gradient(mean, x))}
of_variance = np.ravel(tape.gradient(fused.batch_variance, x))
print("tensorflow", tf.__version__, "| gradient of the batch's mean")
print("fused:   returned", found["fused"])  # 0, 0, 0, 0
print("moments: returned", found["moments"])  # 0.25, 0.25, 0.25, 0.25
print("         due     ", np.full(4, 1 / 4, np.float32))
print("| of its variance: returned", of_variance, "due", 2 * (rows - rows.mean()) / 3)  # the variance is unbiased
raise SystemExit(int(np.abs(found["fused"] - 1 / 4).max() > 0.01))  # off by more than 0.01; float32 holds 1/4
