"""MXNet computes the running variance back from 1/sqrt(var + ε) as 1/r² - ε, which loses the digits of a variance below
ε. MXNet 1.9.1 needs Python 3.11 and NumPy 1.23 at most. Exit status 1: still so."""

import mxnet as mx
import numpy as np

print("mxnet", mx.__version__, "| running variance after one step of momentum 0, ε = 1e-3")
for scale in (1.0, 1e-5):
    x = np.array([[-scale], [scale]], np.float32)
    given, mean, var = mx.nd.array(x), mx.nd.zeros(1), mx.nd.zeros(1)
    given.attach_grad()
    with mx.autograd.record():
        y = mx.nd.BatchNorm(given, mx.nd.ones(1), mx.nd.zeros(1), mean, var, eps=1e-3, momentum=0.0, fix_gamma=False)
    y.backward()
    print(f"returned {var.asscalar():.6g}, due {x.var():.6g}")  # 1, 1; 1.83e-10, 1e-10
raise SystemExit(int(abs(var.asscalar() / x.var() - 1) > 0.001))  # off by more than 0.1 %; float32 rounds to 1e-7
