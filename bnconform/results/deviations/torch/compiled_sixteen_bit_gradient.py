"""Compiled, the gradient of the weight in bfloat16 is 39 % off on a CPU, where torch uncompiled is exact to 4 digits.

The decomposition that compilers lower to rounds the saved mean and 1/√(σ² + ε) to the type of x on a CPU
(torch/_decomp/decompositions.py, native_batch_norm_helper, "if input.device.type == 'cpu'"), although the parameters
are float32 and torch's own kernel then saves both in float32. Backward centres on the rounded mean. Without a weight
it also rounds the gradient of the bias to bfloat16, beside a float32 bias. Needs torch and NumPy, and no C++ compiler.
"""

import numpy as np
import torch

EPS = 0.3
rows = np.array([46.25, 45.75, 45.5, 46.0, 45.5, 46.0, 46.0, 46.0, 45.5])  # all of them bfloat16 numbers
cotangent = np.array([0.375, 0.25, 0.125, 0.375, -0.25, 0.0, 0.25, 0.75, 0.0])
exact = (cotangent * (rows - rows.mean())).sum() / np.sqrt(rows.var() + EPS)


def gradients(function, weighted=True):
    x = torch.tensor(rows[:, None], dtype=torch.bfloat16)
    weight, bias = (torch.ones(1, requires_grad=True) for _ in range(2))
    y = function(x, weight if weighted else None, bias)
    found = torch.autograd.grad(y, [weight, bias] if weighted else [bias], torch.tensor(cotangent[:, None]).to(y.dtype))
    return [one.item() for one in found]


def normalize(x, weight, bias):
    return torch.nn.functional.batch_norm(x, torch.zeros(1), torch.ones(1), weight, bias, True, 0.1, EPS)


compiled = torch.compile(normalize, backend="aot_eager_decomp_partition")
plain, lowered = gradients(normalize)[0], gradients(compiled)[0]
print("torch", torch.__version__)
print(f"gradient of the weight: exact {exact:.5f}, torch {plain:.5f}, compiled {lowered:.5f}")
raise SystemExit(int(abs(plain - exact) < 1e-3 < abs(lowered - exact)))
