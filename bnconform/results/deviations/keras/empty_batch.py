"""A batch of no examples makes the moving statistics of Keras's BatchNormalization NaN for good.
Run with KERAS_BACKEND=tensorflow, torch or jax."""

import os

os.environ.setdefault("KERAS_BACKEND", "torch")
import keras
import numpy as np

layer = keras.layers.BatchNormalization()
layer(np.ones((4, 2), np.float32), training=True)
for name, rows in (("after four examples", None), ("after none", 0), ("after four more", 4)):
    if rows is not None:
        layer(np.ones((rows, 2), np.float32), training=True)
    mean, variance = (keras.ops.convert_to_numpy(v) for v in (layer.moving_mean, layer.moving_variance))
    print(f"{keras.backend.backend()}, Keras {keras.__version__}, {name}: mean {mean}, variance {variance}")
raise SystemExit(int(np.isnan(mean).any()))
