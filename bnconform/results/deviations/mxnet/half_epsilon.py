"""MXNet: for float16 data ε is rounded to float16, and so is σ² + ε, though statistics, γ and β are float32: ε = 2e-8
becomes 0. MXNet 1.9.1 needs Python 3.11 and NumPy 1.23 at most. Exit status 1: still so."""

import mxnet as mx
import numpy as np

x = mx.nd.array(np.array([[1.0]]), dtype="float16")
one, zero = mx.nd.ones(1), mx.nd.zeros(1)  # float32, as the operator asks
print("mxnet", mx.__version__, "| inference, running mean 0, running variance 0")
for eps in (1e-3, 2e-8):
    with mx.autograd.record(train_mode=False):
        y = mx.nd.BatchNorm(x, one, zero, zero.copy(), zero.copy(), eps=eps, fix_gamma=False).asnumpy()[0, 0]
    due = 1 / np.sqrt(eps)
    print(f"eps {eps:g}: returned {y}, due {due:.4g}")  # 31.62, 31.62; inf, 7071
raise SystemExit(int(not abs(y / due - 1) < 0.01))  # infinite, or more than 1 % off; float16 rounds to 0.05 %
