"""Flax and Keras average the biased variance of the batch into the running variance; torch the unbiased one."""
import sys
import numpy as np
x = np.array([[-1.0], [1.0], [-1.0], [1.0]], np.float32)  # biased variance 1, unbiased 4/3
if sys.argv[1] == "flax":
    import flax, jax.numpy as jnp
    from flax import linen
    layer = linen.BatchNorm(use_running_average=False, momentum=0.0)
    _, new = layer.apply({"params": {"scale": jnp.ones(1), "bias": jnp.zeros(1)}, "batch_stats": {"mean": jnp.zeros(1), "var": jnp.ones(1)}}, x, mutable=["batch_stats"])
    print("flax", flax.__version__, "running variance", float(new["batch_stats"]["var"][0]))
else:
    import os
    os.environ["KERAS_BACKEND"] = sys.argv[1]
    import keras
    layer = keras.layers.BatchNormalization(momentum=0.0)
    layer(x, training=True)
    print("keras", keras.__version__, keras.backend.backend(), "running variance", float(keras.ops.convert_to_numpy(layer.moving_variance)[0]))
