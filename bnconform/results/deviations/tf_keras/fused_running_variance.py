"""tf_keras BatchNormalization averages the unbiased variance of the batch with fused=True, and the biased one with
fused=False. Exit status 1: still so."""

import numpy as np
import tensorflow as tf
import tf_keras

x = np.array([-1.0, 1.0, -1.0, 1.0], np.float32).reshape(4, 1, 1, 1)
found = {}
for fused in (True, False):
    layer = tf_keras.layers.BatchNormalization(fused=fused, momentum=0.0)
    layer(tf.constant(x), training=True)
    found[fused] = layer.moving_variance.numpy()[0]
print("tf_keras", tf_keras.__version__, "| moving variance after one step of momentum 0")
print("fused=True:  returned", found[True].round(3))  # 1.333
print("fused=False: returned", found[False].round(3))  # 1
print("due the same: biased", x.var(), "or unbiased", x.var(ddof=1).round(3))
raise SystemExit(int(abs(found[True] - found[False]) > 0.01))  # more than 0.01 apart; float32 rounds to 1e-7
