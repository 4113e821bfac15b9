"""torch.nn.functional.batch_norm, CPU, all in 16 bits (a model after .bfloat16() or .half()): x is normalized in 16
bits step by step where it is not contiguous, and in float32 where it is. Exit status 1: still so."""

import numpy as np
import torch
from torch.nn.functional import batch_norm

x = torch.full((1, 2, 2), 100.0, dtype=torch.bfloat16).movedim(-1, 1)  # (N, C, L), the channels last in memory
mean, var, weight, bias = (torch.full((2,), value, dtype=torch.bfloat16) for value in (0.0, 2.0, 1.0, -66.5))
found = {}
for name, values in (("contiguous", x.contiguous()), ("channels last", x)):
    found[name] = batch_norm(values, mean, var, weight, bias, training=False, eps=0.25).double().numpy()[0, 0]

due = (100 - 0) / np.sqrt(2 + 0.25) * 1 - 66.5
print("torch", torch.__version__)
print("y, channels last: returned", found["channels last"].round(4))  # 0.5, 0.5
print("y, contiguous:    returned", found["contiguous"].round(4))  # 0.167, 0.167
print("                  due     ", round(due, 4))  # 0.1667
raise SystemExit(
    int(np.abs(found["channels last"] - due).max() > 0.01)
)  # off by more than 0.01; rounding y costs 0.001
