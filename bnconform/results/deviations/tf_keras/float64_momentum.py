"""tf_keras BatchNormalization(dtype="float64", fused=False) rounds 1 - momentum to float32: the averages are as
wrong."""

import os

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
import numpy as np
import tensorflow as tf
import tf_keras

x = np.random.default_rng(0).standard_normal((8, 3)) + 10
layer = tf_keras.layers.BatchNormalization(dtype="float64", fused=False, momentum=0.9)
layer(tf.constant(x), training=True)
got = layer.moving_mean.numpy()
for name, weight in (("1 - momentum", 1 - 0.9), ("1 - momentum in float32", float(np.float32(1 - 0.9)))):
    print(
        f"tf_keras {tf_keras.__version__}: moving mean, {got.dtype}, is off {name} times the mean of the batch by "
        f"{np.abs(got - weight * x.mean(0)).max():.1e}; float64 rounding is {2.0**-53:.1e}"
    )
raise SystemExit(int(np.abs(got - (1 - 0.9) * x.mean(0)).max() > 1e-12))
