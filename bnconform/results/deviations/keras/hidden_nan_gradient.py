"""keras.layers.BatchNormalization with a mask: a NaN that the mask hides makes the gradients of all shown values NaN,
though neither the output nor the loss sees it. Exit status 1: still so."""

import os

os.environ["KERAS_BACKEND"] = "tensorflow"
import keras
import numpy as np
import tensorflow

layer, mask = keras.layers.BatchNormalization(), tensorflow.constant([[True, True, True, False]])
found = {}
for name, hidden in (("NaN", np.nan), ("number", 5.0)):
    x = tensorflow.constant([[[1.0], [2.0], [4.0], [hidden]]])
    with tensorflow.GradientTape() as tape:
        tape.watch(x)
        y = layer(x, training=True, mask=mask)[0, 0, 0]  # the first value, which the mask shows
    found[name] = tape.gradient(y, x).numpy().ravel()[:3]

print("keras", keras.__version__, "tensorflow", tensorflow.__version__)
print("gradient of shown values, NaN hidden:    returned", found["NaN"])  # nan, nan, nan
print("gradient of shown values, number hidden: due     ", found["number"])
raise SystemExit(int(not np.abs(found["NaN"] - found["number"]).max() < 0.01))  # equal, or NaN
