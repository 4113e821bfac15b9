"""Paddle: a bias without a weight, or a weight without a bias, gets no gradient, so that a layer with
weight_attr=False never trains its bias; nothing says so. With both, or in another framework, the gradient of the bias
is the sum of dy."""

import warnings

warnings.simplefilter("ignore")
import numpy as np
import paddle

x = paddle.to_tensor(np.random.default_rng(0).standard_normal((4, 2)).astype("float32"))
for weight_attr, bias_attr in ((None, None), (False, None), (None, False)):
    layer = paddle.nn.BatchNorm1D(2, weight_attr=weight_attr, bias_attr=bias_attr)
    (3 * layer(x)).sum().backward()
    got = {
        name: None if p.grad is None else p.grad.numpy().round(3) for name, p in layer.named_parameters() if p.trainable
    }
    print(
        "paddle",
        paddle.__version__,
        f"weight_attr={weight_attr}, bias_attr={bias_attr}: gradients",
        got,
        "| expected for the bias: 12",
    )
raise SystemExit(int(None in got.values()))
