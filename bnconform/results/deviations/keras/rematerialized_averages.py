"""keras.RematScope: BatchNormalization in it moves its moving statistics twice in each training step, on TensorFlow
and, with KERAS_BACKEND=torch, on PyTorch. Exit status 1: still so."""

import os

os.environ.setdefault("KERAS_BACKEND", "tensorflow")
import keras
import numpy as np


def average(mode):
    with keras.RematScope(mode=mode):
        layer = keras.layers.BatchNormalization(momentum=0.75)
    model = keras.Sequential([layer])
    model.compile(optimizer=keras.optimizers.SGD(0.0), loss="mse", run_eagerly=True)
    model.train_on_batch(np.full((2, 1), 8.0, np.float32), np.zeros((2, 1), np.float32))
    return float(np.asarray(keras.ops.convert_to_numpy(layer.moving_mean))[0])


right, found = average(None), average("full")
print("keras", keras.__version__, "on", keras.backend.backend(), "| moving mean of a step: returned", found)
print("due, as without the scope:", right)
raise SystemExit(int(abs(found - right) > 0.01))  # small whole numbers: 2 is due
