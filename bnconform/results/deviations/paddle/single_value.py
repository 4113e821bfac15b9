"""Paddle, CPU, training with one value per channel: y is x itself, neither normalized nor scaled nor shifted, and its
gradients are those of y = x (PaddlePaddle/Paddle#11445). Exit status 1: still so."""

import warnings

warnings.simplefilter("ignore")
import numpy as np
import paddle

x = paddle.to_tensor([[3.0, -5.0]], stop_gradient=False)
weight, bias = (paddle.to_tensor(v, stop_gradient=False) for v in ([2.0, 2.0], [1.0, 10.0]))
y = paddle.nn.functional.batch_norm(x, paddle.zeros([2]), paddle.ones([2]), weight, bias, training=True)
due = 2 * (x.numpy() - x.numpy().mean(0)) + bias.numpy()  # x equals its mean, so that the bias remains
print("paddle", paddle.__version__)
print("y: returned", y.numpy().ravel())  # 3, -5
print("   due     ", due.ravel())  # 1, 10
dx, _, dbias = paddle.grad([y], [x, weight, bias], [paddle.ones_like(y)])
print("dx, dbias: returned", dx.numpy().ravel(), dbias.numpy(), "due [0. 0.] [1. 1.]")  # 1, 1 and 0, 0
raise SystemExit(int(np.abs(y.numpy() - due).max() > 0.01))  # off by more than 0.01; float32 is exact here
