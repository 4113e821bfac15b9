"""torch.nn.functional.batch_norm, CPU, float16 beside float32 parameters: backward keeps Σ dy·(x - mean) in float16, so
that dx is infinite where it exceeds 65,504, unless x is contiguous or channels_last. Exit status 1: still so."""

import numpy as np
import torch
from torch.nn.functional import batch_norm

x, dy = np.array([-2000.0, -1000.0, 0.0, 3000.0]), np.array([8.0, 4.0, 0.0, 32.0])  # the mean of x is 0
h = x / np.sqrt(np.square(x).mean() + 1e-5)
due = (dy - dy.mean() - h * (dy * h).mean()) / np.sqrt(np.square(x).mean() + 1e-5)
found = {}
for name in ("contiguous", "channels last"):
    data, cotangent = (torch.tensor(np.stack([t, t], 1)[None]).half().movedim(-1, 1) for t in (x, dy))  # channels last
    if name == "contiguous":
        data, cotangent = data.contiguous(), cotangent.contiguous()
    y = batch_norm(data.requires_grad_(), None, None, torch.ones(2), torch.zeros(2), training=True, eps=1e-5)
    found[name] = torch.autograd.grad(y, data, cotangent)[0][0, 0].double().numpy()

print("torch", torch.__version__)
print("dx, channels last: returned", found["channels last"])  # -inf, inf or nan
print("dx, contiguous:    returned", found["contiguous"])
print("                   due     ", due.round(7))
raise SystemExit(int(not np.isfinite(found["channels last"]).all()))  # every number that is due is below 0.01
