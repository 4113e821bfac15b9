"""torch.nn.functional.batch_norm: with a bias and without a weight, the gradients of x and of the bias cannot be
differentiated; they can with a weight of ones. Exit status 1: still so."""

import torch

x, dy = (torch.tensor(rows, requires_grad=True) for rows in ([[0.0], [1.0], [3.0]], [[1.0], [2.0], [4.0]]))
bias = torch.zeros(1, requires_grad=True)
found = {}
for name, weight in (("a weight of ones", torch.ones(1)), ("no weight", None)):
    y = torch.nn.functional.batch_norm(x, None, None, weight, bias, training=True)
    dx, dbias = torch.autograd.grad(y, [x, bias], dy, create_graph=True)
    try:
        found[name] = torch.autograd.grad(dx.sum() + dbias.sum(), dy)[0].numpy().ravel().round(3)
    except RuntimeError as error:
        found[name] = f"RuntimeError: {error}"

print("torch", torch.__version__, "| gradient of sum(dx) + sum(dbias) in dy")
print("no weight:        returned", found["no weight"])  # Expected a proper Tensor but got None ...
print("a weight of ones: returned", found["a weight of ones"])  # 1, 1, 1
print("                  due      [1. 1. 1.]")  # sum(dx) is 0 whatever dy is, and sum(dbias) is sum(dy)
raise SystemExit(int(str(found["no weight"]).startswith("RuntimeError")))  # no tolerance: it raises
