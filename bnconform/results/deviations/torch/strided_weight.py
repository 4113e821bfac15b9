"""torch.nn.functional.batch_norm, CPU: where x is (N, C) or channels last, backward reads a weight
that is a column of a matrix as if it were contiguous, and so other memory. Exit status 1: still so."""

import numpy as np
import torch
from torch.nn.functional import batch_norm

x = torch.tensor([[1.0, 1.0, 1.0], [3.0, 3.0, 3.0]])
dy, mean = torch.tensor([[1.0, 1.0, 1.0], [0.0, 0.0, 0.0]]), torch.zeros(3)
table = torch.tensor([[1.0, 50.0], [2.0, 60.0], [3.0, 70.0]])  # a row for each channel
found = {}
for name, weight in (("column", table[:, 0]), ("contiguous", table[:, 0].contiguous())):
    values = x.clone().requires_grad_()
    y = batch_norm(values, mean, torch.ones(3), weight, torch.zeros(3), training=False, eps=0.0)
    found[name] = torch.autograd.grad(y, values, dy)[0].numpy()

due = dy.numpy() * np.array([1.0, 2.0, 3.0])  # of y = weight x, as the mean is 0 and the variance 1
print("torch", torch.__version__)
print("gradient of x, weight a column:     returned", found["column"][0])  # 1, 50, 2
print("gradient of x, weight contiguous:   returned", found["contiguous"][0])  # 1, 2, 3
print("                                    due     ", due[0])
raise SystemExit(int(np.abs(found["column"] - due).max() > 0.01))  # off by more than 0.01; float32 is exact here
