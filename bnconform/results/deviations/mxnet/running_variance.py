"""MXNet: the running variance is computed back from 1/√(σ² + ε) as 1/r² - ε, which loses the digits of σ² below ε;
so a negative ε makes the running variance NaN for good. Needs mxnet 1.9.1, Python ≤ 3.11, NumPy < 1.24."""

import mxnet as mx
import numpy as np

for scale in (1.0, 1e-2, 1e-4, 1e-5):
    x = (np.array([[-1.0], [1.0]]) * scale).astype(np.float32)
    mean, var = mx.nd.zeros(1), mx.nd.zeros(1)
    given = mx.nd.array(x)
    given.attach_grad()
    with mx.autograd.record():
        y = mx.nd.BatchNorm(given, mx.nd.ones(1), mx.nd.zeros(1), mean, var, eps=1e-3, momentum=0.0, fix_gamma=False)
    y.backward()
    print(f"mxnet {mx.__version__} variance of the batch {x.var():.6g}: running variance {float(var.asnumpy()[0]):.6g}")
raise SystemExit(int(abs(float(var.asnumpy()[0]) / x.var() - 1) > 1e-3))
