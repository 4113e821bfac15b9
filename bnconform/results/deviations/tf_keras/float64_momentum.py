"""tf_keras BatchNormalization(dtype="float64", fused=False) rounds 1 - momentum to float32, so that the moving mean has
8 right digits. Exit status 1: still so."""

import numpy as np
import tensorflow as tf
import tf_keras

x = np.array([[9.0], [11.0]])
layer = tf_keras.layers.BatchNormalization(dtype="float64", fused=False, momentum=0.9)
layer(tf.constant(x), training=True)
found, due = layer.moving_mean.numpy()[0], (1 - 0.9) * x.mean()
print("tf_keras", tf_keras.__version__, "| moving mean of 0 after a batch of mean 10, type", layer.moving_mean.dtype)
print("returned                 ", found)  # 1.0000000149011612
print("with float32(1 - 0.9)    ", float(np.float32(1 - 0.9)) * x.mean())
print("due                      ", due)
raise SystemExit(int(abs(found - due) > 1e-12))  # off by more than 1e-12; float64 rounds to 1e-16
