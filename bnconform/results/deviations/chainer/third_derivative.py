"""Chainer: the third derivative of a training step takes mean and 1/sqrt(var + eps) for constants, and is silently
wrong. Chainer 7.8.1 needs Python 3.11 and NumPy 1.23 at most. Exit status 1: still so."""

import chainer
import chainer.functions as F
import numpy as np

found = {}
for name in ("composed", "batch_normalization"):
    x = chainer.Variable(np.array([[0.0], [0.0], [1.0]]))
    d = x - F.broadcast_to(F.mean(x, axis=0), x.shape)
    y = d / F.broadcast_to(F.sqrt(F.mean(d * d, axis=0) + 0.25), x.shape)
    if name == "batch_normalization":
        y = F.batch_normalization(x, np.ones(1), np.zeros(1), eps=0.25)
    for _ in range(3):  # the derivatives of y[0] by x[0]
        (y,) = chainer.grad([y[0, 0]], [x], enable_double_backprop=True)
    found[name] = float(y.array[0, 0])
step = 0.01
rows = np.array([0.0, 0.0, 1.0]) + step * np.array([[-2, 0, 0], [-1, 0, 0], [1, 0, 0], [2, 0, 0]])
due = (rows[:, 0] - rows.mean(1)) / np.sqrt(rows.var(1) + 0.25) @ [-1, 2, -2, 1] / (2 * step**3)  # a quotient
print("chainer", chainer.__version__, "| third derivative of y[0] by x[0]")
print(f"returned {found['batch_normalization']:.3f}, composed {found['composed']:.3f}, due {due:.3f}")
raise SystemExit(
    int(abs(found["batch_normalization"] - due) > 0.1)
)  # off by more than 0.1; the quotient is right to 0.01
