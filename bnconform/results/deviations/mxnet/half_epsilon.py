"""MXNet: for float16 data ε is rounded to float16, and so is σ² + ε, though statistics, γ and β are float32 (its
half_t rounds whatever it takes part in): 2e-8 becomes 0. The Dialect declares it. Needs mxnet 1.9.1, Python ≤ 3.11,
NumPy < 1.24."""

import mxnet as mx
import numpy as np

x = mx.nd.array(np.array([[0.0], [1.0]]), dtype="float16")
one, zero = mx.nd.ones(1), mx.nd.zeros(1)  # float32, as the operator asks
for eps in (1e-3, 1e-5, 1e-6, 2e-8):
    with mx.autograd.record(train_mode=False):
        y = mx.nd.BatchNorm(x, one, zero, mx.nd.zeros(1), mx.nd.zeros(1), eps=eps, fix_gamma=False).asnumpy()
    exact = np.float16(1 / np.sqrt(eps))
    print(f"mxnet {mx.__version__} running mean 0, running variance 0, ε = {eps:g}: y(1) = {y[1, 0]}, expected {exact}")
raise SystemExit(int(y[1, 0] != exact))
