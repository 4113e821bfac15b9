"""torch.nn.functional.batch_norm: with a bias and without a weight the gradients of x and bias cannot be
differentiated."""

import torch

x = torch.randn(4, 3, dtype=torch.float64, requires_grad=True)
bias = torch.zeros(3, dtype=torch.float64, requires_grad=True)
dy = torch.randn(4, 3, dtype=torch.float64, requires_grad=True)
y = torch.nn.functional.batch_norm(x, None, None, None, bias, True, 0.1, 1e-5)
dx, dbias = torch.autograd.grad(y, [x, bias], dy, create_graph=True)
shown = False
for name, what in (("dx alone", [dx]), ("dx and dbias", [dx, dbias])):
    try:
        torch.autograd.grad(
            what, [x, bias, dy], [torch.ones_like(t) for t in what], retain_graph=True, materialize_grads=True
        )
        print(name, "works")
    except RuntimeError as error:
        shown = True
        print(name, "RuntimeError:", str(error)[:100])
raise SystemExit(int(shown))
