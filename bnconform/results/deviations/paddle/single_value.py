"""Paddle, CPU, training with one value per channel: y is x itself, neither normalized nor scaled nor shifted, and the
running statistics stay as they are. The documented formula gives y = bias, as x equals its mean. Asked for in
PaddlePaddle/Paddle#11445; the gradients are those of y = x."""

import warnings

warnings.simplefilter("ignore")
import numpy as np
import paddle
from paddle.nn import functional

x = paddle.to_tensor([[3.0, -5.0]], stop_gradient=False)
weight, bias = (paddle.to_tensor(v, stop_gradient=False) for v in ([2.0, 2.0], [1.0, 10.0]))
mean, variance = paddle.zeros([2]), paddle.ones([2])
y = functional.batch_norm(x, mean, variance, weight, bias, training=True)
print(
    "paddle",
    paddle.__version__,
    "| y =",
    y.numpy(),
    "expected",
    bias.numpy(),
    "| running mean",
    mean.numpy(),
    "expected",
    0.1 * x.numpy()[0],
)
dx, dweight, dbias = paddle.grad([y], [x, weight, bias], [paddle.ones_like(y)])
print(
    "dx =",
    dx.numpy(),
    "expected 0 | dweight =",
    dweight.numpy(),
    "expected 0 | dbias =",
    dbias.numpy(),
    "expected",
    np.ones(2),
)
raise SystemExit(int(np.array_equal(y.numpy(), x.numpy())))
