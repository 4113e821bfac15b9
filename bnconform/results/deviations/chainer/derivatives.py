"""Chainer: the third derivative of a training step takes mean and 1/std for constants; the second one of float16 data
with float32 parameters (mixed16) raises where γ's gradient is not asked for, and is NaN in γ where γ is 0.
Needs chainer 7.8.1, Python ≤ 3.11, NumPy < 1.24."""

import chainer
import chainer.functions as F
import numpy as np

rng = np.random.default_rng(0)
x, g, w, z = rng.normal(1, 2, (4, 7, 3))
eps = 0.3


def fused(x):
    return F.batch_normalization(x, np.ones(3), np.zeros(3), eps=eps)


def composed(x):
    d = x - F.broadcast_to(F.mean(x, axis=0, keepdims=True), x.shape)
    return d / F.broadcast_to(F.sqrt(F.mean(d * d, axis=0, keepdims=True) + eps), x.shape)


def orders(normalize):
    leaf = chainer.Variable(x)
    y = normalize(leaf)
    (first,) = chainer.grad([y], [leaf], [chainer.Variable(g)], enable_double_backprop=True)
    (second,) = chainer.grad([first], [leaf], [chainer.Variable(w)], enable_double_backprop=True)
    (third,) = chainer.grad([second], [leaf], [chainer.Variable(z)])
    return [one.array for one in (y, first, second, third)]


for name, ours, theirs in zip(("y", "first", "second", "third"), orders(fused), orders(composed), strict=True):
    print(f"{name:7} largest difference {np.abs(ours - theirs).max():.2e} of {np.abs(theirs).max():.3g}")
wrong = np.abs(ours - theirs).max() > 1e-6  # of the third


def second(dtype, gamma):
    leaf, scale = chainer.Variable(x.astype(dtype)), chainer.Variable(gamma.astype(np.float32))
    y = F.batch_normalization(leaf, scale, np.zeros(3, np.float32), eps=eps)
    (first,) = chainer.grad([y], [leaf], [chainer.Variable(g.astype(dtype))], enable_double_backprop=True)
    return [one.array for one in chainer.grad([first], [leaf, scale], [chainer.Variable(w.astype(dtype))])]


print("float32, gamma = (0, 1, 1): second gradient in gamma", second(np.float32, np.array([0, 1, 1]))[1])
try:
    second(np.float16, np.ones(3))
except AttributeError as error:
    print("float16 with float32 parameters: AttributeError:", error)
raise SystemExit(int(wrong))
