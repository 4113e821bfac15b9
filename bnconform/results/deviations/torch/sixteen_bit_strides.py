"""torch.nn.functional.batch_norm, CPU, 16 bits: the gradient of x takes the mean of dy rounded to 16 bits where x is
not contiguous, and in float32 where it is. Exit status 1: still so."""

import numpy as np
import torch
from torch.nn.functional import batch_norm

dy = torch.tensor([[100.0], [100.0], [100.0], [100.5]], dtype=torch.bfloat16)  # of mean 100.125, no bfloat16 number
found = {}
for name, step in (("contiguous", 1), ("every second element", 2)):  # the same values, in other places
    x = torch.zeros(4, step, dtype=torch.bfloat16)[:, :1].requires_grad_()
    cotangent = dy.repeat(1, step)[:, :1]
    y = batch_norm(x, None, None, torch.ones(1), torch.zeros(1), training=True, eps=0.25)
    found[name] = torch.autograd.grad(y, x, cotangent)[0].double().numpy().ravel()

wide = dy.double().numpy().ravel()
due = (wide - wide.mean()) / np.sqrt(0.25)  # as x = 0: the term with x - mean(x) is zero
print("torch", torch.__version__)
print("dx, every second element: returned", found["every second element"])  # 0, 0, 0, 1
print("dx, contiguous:           returned", found["contiguous"])  # -0.25, -0.25, -0.25, 0.75
print("                          due     ", due)
raise SystemExit(int(np.abs(found["every second element"] - due).max() > 0.01))  # more than 0.01; bfloat16 holds due
