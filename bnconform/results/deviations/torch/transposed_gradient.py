"""torch.nn.BatchNorm2d, CPU, a batch of one image: backward reads a gradient whose channels vary fastest in memory as
if they varied slowest, where its strides alone do not tell the format. Exit status 1: still so."""

import numpy as np
import torch

weights = torch.arange(12.0).reshape(4, 3)  # of four tokens with three features each
found = {}
for name in ("transposed", "contiguous"):
    layer = torch.nn.BatchNorm2d(3)
    y = layer(torch.arange(12.0).reshape(1, 3, 2, 2).sin())  # one image of three channels
    if name == "contiguous":
        y.register_hook(torch.Tensor.contiguous)
    tokens = y.squeeze(0).flatten(1).t()
    (tokens * weights).sum().backward()
    found[name] = layer.bias.grad.numpy()

due = weights.numpy().sum(0)  # each token adds the bias of its channel
print("torch", torch.__version__)
print("gradient of bias, transposed gradient: returned", found["transposed"])  # 6, 22, 38
print("gradient of bias, contiguous gradient: returned", found["contiguous"])  # 18, 22, 26
print("                                       due     ", due)
raise SystemExit(int(np.abs(found["transposed"] - due).max() > 0.01))  # off by more than 0.01; float32 is exact here
