"""sonnet.BatchNorm by its layout: of rank 4 with the channels last it averages the unbiased variance, else the biased
one, and of that rank it takes no float64; its documentation says neither."""
import os

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
import numpy as np
import sonnet
import tensorflow as tf

x = np.random.default_rng(0).standard_normal((4, 2))
for dtype in ("float32", "float64"):
    for shape in ((4, 2), (4, 1, 2), (4, 1, 1, 2), (4, 1, 1, 1, 2)):
        layer = sonnet.BatchNorm(create_scale=True, create_offset=True, decay_rate=0.0)
        try:
            layer(tf.constant(x.reshape(shape), dtype), is_training=True)
            average = layer.moving_variance.value.numpy().ravel()
            print(f"sonnet {sonnet.__version__}, {dtype} {shape}: average / variance of the batch {average / x.var(0)}")
        except Exception as error:
            print(f"sonnet {sonnet.__version__}, {dtype} {shape}: {type(error).__name__}: {str(error)[:110]}")
