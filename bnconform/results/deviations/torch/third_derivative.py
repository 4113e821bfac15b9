"""torch.nn.functional.batch_norm: the third derivative of a training step takes mean and 1/std for constants."""

import numpy as np
import torch

rng = np.random.default_rng(0)
x, g, w, z = (torch.tensor(a) for a in rng.normal(1, 2, (4, 7, 3)))  # float64
eps = 0.3


def composed(x):
    return (x - x.mean(0)) / torch.sqrt(x.var(0, unbiased=False) + eps)


def fused(x):
    return torch.nn.functional.batch_norm(x, None, None, None, None, True, 0.1, eps)


def orders(normalize):
    leaf = x.clone().requires_grad_()
    y = normalize(leaf)
    (first,) = torch.autograd.grad(y, leaf, g, create_graph=True)
    (second,) = torch.autograd.grad(first, leaf, w, create_graph=True)
    (third,) = torch.autograd.grad(second, leaf, z)
    return y.detach(), first.detach(), second.detach(), third


for name, ours, theirs in zip(("y", "first", "second", "third"), orders(fused), orders(composed), strict=True):
    print(f"{name:7} largest difference {float((ours - theirs).abs().max()):.2e} of {float(theirs.abs().max()):.3g}")


# a witness without autodiff: a difference quotient of the second derivative that torch itself gives
def second_at(point):
    leaf = point.clone().requires_grad_()
    (first,) = torch.autograd.grad(fused(leaf), leaf, g, create_graph=True)
    return torch.autograd.grad(first, leaf, w)[0]


def scalar(point):
    return float((second_at(point) * z).sum())


step, one = 1e-5, torch.zeros_like(x)
one[0, 0] = step
quotient = (scalar(x + one) - scalar(x - one)) / (2 * step)
of_fused, of_composed = (orders(f)[3][0, 0] for f in (fused, composed))
print("d<z, second>/dx[0, 0]: quotient", quotient, " fused", float(of_fused), " composed", float(of_composed))
raise SystemExit(int(abs(of_fused - quotient) > 1e-3 > abs(of_composed - quotient)))
