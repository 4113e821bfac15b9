"""Keras divides what a mask shows by its count + 1e-7, so that a mask that shows everything changes a float64 result.
Run with KERAS_BACKEND=tensorflow."""

import os

os.environ.setdefault("KERAS_BACKEND", "tensorflow")
import keras
import numpy as np

x = np.array([[1.0], [2.0]])
for name, mask in (("no mask", None), ("a mask that shows all", np.array([True, True]))):
    layer = keras.layers.BatchNormalization(momentum=0.0, dtype="float64")
    layer(x, training=True, mask=mask)
    mean = float(keras.ops.convert_to_numpy(layer.moving_mean)[0])
    print(
        f"Keras {keras.__version__}, {name}: mean {mean!r}, 3/2 and 3/(2 + 1e-7) = {3 / (2 + keras.config.epsilon())!r}"
    )
raise SystemExit(int(mean != 1.5))
