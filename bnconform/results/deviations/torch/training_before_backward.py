"""torch.nn.BatchNorm1d: inference whose backward pass stands behind a training call sends gradients by the averages of
after that call; the kernel changes what the graph saved, and no check sees it. Exit status 1: still so."""

import torch


def gradient(between):
    layer = torch.nn.BatchNorm1d(1).eval()
    x = torch.tensor([[1.0], [3.0]], requires_grad=True)
    y = layer(x)
    if between:
        layer.train()(torch.tensor([[0.0], [100.0]]))
    (y * torch.tensor([[1.0], [2.0]])).sum().backward()
    return x.grad.ravel()


right, found = gradient(between=False), gradient(between=True)
print("torch", torch.__version__, "| dx of inference past a training call: returned", found.tolist())
print("due, as without that call:", right.tolist(), "or an error, as for any other write to what is saved")
raise SystemExit(int(not torch.allclose(found, right, rtol=1e-3)))  # the same numbers: 0.1 % is far more than rounding
