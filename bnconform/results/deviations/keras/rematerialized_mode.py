"""keras.RematScope on JAX: a layer that is told its mode cannot be called, since jax.checkpoint turns `training` into
an array on which the layer then branches. Exit status 1: still so."""

import os

os.environ["KERAS_BACKEND"] = "jax"
import jax
import keras
import numpy as np

x, found = np.array([[1.0], [3.0]], np.float32), {}
for mode in (None, "full"):
    with keras.RematScope(mode=mode):
        layer = keras.layers.BatchNormalization(epsilon=1e-6)
    layer.build((None, 1))
    of = [[v.value for v in vs] for vs in (layer.trainable_variables, layer.non_trainable_variables)]
    try:
        call = jax.jit(lambda *of, layer=layer: layer.stateless_call(*of, x, training=True))
        found[mode] = str(np.asarray(call(*of)[0]).ravel())
    except Exception as error:  # whichever one it is
        found[mode] = type(error).__name__
print("keras", keras.__version__, "| a call in training inside RematScope: returned", found["full"], "due", found[None])
raise SystemExit(int(found["full"] != found[None]))  # the same digits are due
