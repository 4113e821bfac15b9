"""keras.layers.BatchNormalization: a mask divides by its count + 1e-7, so that even one that shows everything changes a
float64 mean; no mask gives the mean. Exit status 1: still so."""

import os

os.environ.setdefault("KERAS_BACKEND", "tensorflow")  # the backend that computes float64 in float64
import keras
import numpy as np

x = np.array([[1.0], [2.0]])
found = {}
for name, mask in (("no mask", None), ("a mask that shows all", np.array([True, True]))):
    layer = keras.layers.BatchNormalization(momentum=0.0, dtype="float64")
    layer(x, training=True, mask=mask)
    found[name] = keras.ops.convert_to_numpy(layer.moving_mean)[0]
print("keras", keras.__version__, keras.backend.backend(), "| moving mean after one step of momentum 0")
print("a mask that shows all: returned", found["a mask that shows all"])  # 1.4999999250000038, 3/(2 + 1e-7)
print("no mask:               returned", found["no mask"])  # 1.5
print("                       due     ", x.mean())
raise SystemExit(int(abs(found["a mask that shows all"] - 1.5) > 1e-14))  # off by more than 1e-14; float64 holds 1.5
