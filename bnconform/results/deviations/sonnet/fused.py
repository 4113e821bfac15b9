"""sonnet.BatchNorm by its layout: of rank 4 with the channels last it averages the unbiased variance, else the biased
one, and of that rank it takes no float64; its documentation says neither."""

import os

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
import numpy as np
import sonnet
import tensorflow as tf

x = np.random.default_rng(0).standard_normal((4, 2))
ratios = {}
for dtype in ("float32", "float64"):
    for shape in ((4, 2), (4, 1, 2), (4, 1, 1, 2), (4, 1, 1, 1, 2)):
        layer = sonnet.BatchNorm(create_scale=True, create_offset=True, decay_rate=0.0)
        try:
            layer(tf.constant(x.reshape(shape), dtype), is_training=True)
            ratios[dtype, shape] = layer.moving_variance.value.numpy().ravel() / x.var(0)
            print(
                f"sonnet {sonnet.__version__}, {dtype} {shape}: average / variance of the batch {ratios[dtype, shape]}"
            )
        except Exception as error:
            print(f"sonnet {sonnet.__version__}, {dtype} {shape}: {type(error).__name__}: {str(error)[:110]}")
raise SystemExit(int(not np.allclose(ratios["float32", (4, 1, 1, 2)], ratios["float32", (4, 2)], rtol=1e-3)))
