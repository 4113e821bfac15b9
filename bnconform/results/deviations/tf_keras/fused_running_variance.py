"""tf_keras BatchNormalization averages m/(m - 1) times the variance with fused=True, the variance with fused=False."""

import os

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
import numpy as np
import tensorflow as tf
import tf_keras

x = np.random.default_rng(0).standard_normal((4, 1, 1, 2)).astype(np.float32)
ratios = []
for fused in (True, False):
    layer = tf_keras.layers.BatchNormalization(fused=fused, momentum=0.0)
    layer(tf.constant(x), training=True)
    ratios.append(layer.moving_variance.numpy() / x.var((0, 1, 2)))
    print(f"tf_keras {tf_keras.__version__}, fused={fused}: moving variance / variance of the batch {ratios[-1]}")
raise SystemExit(int(not np.allclose(*ratios, rtol=1e-3)))
