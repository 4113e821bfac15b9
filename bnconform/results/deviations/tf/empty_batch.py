"""tf.raw_ops.FusedBatchNormV3: a batch of no examples makes the running statistics NaN for good.
Exit status 1: still so."""

import numpy as np
import tensorflow as tf

given = {"scale": [1.0], "offset": [0.0], "mean": [0.0], "variance": [1.0], "is_training": True}
out = tf.raw_ops.FusedBatchNormV3(x=tf.zeros((0, 1, 1, 1)), **given, exponential_avg_factor=0.1)
print("tensorflow", tf.__version__, "| running mean and variance")
print("returned", out.batch_mean.numpy()[0], out.batch_variance.numpy()[0])  # nan nan
print("due 0.0 1.0, as before, or a refusal")  # nothing has no mean to be averaged
raise SystemExit(int(np.isnan(out.batch_mean).any()))  # no tolerance: it is no number
