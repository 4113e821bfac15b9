"""Chainer: the second gradient in gamma is NaN where gamma is zero, as it is divided by gamma; it does not depend on
gamma. Chainer 7.8.1 needs Python 3.11 and NumPy 1.23 at most. Exit status 1: still so."""

import chainer
import chainer.functions as F
import numpy as np

found = {}
for scale in (1.0, 0.0):
    x, gamma = chainer.Variable(np.array([[0.0], [1.0], [3.0]])), chainer.Variable(np.array([scale]))
    y = F.batch_normalization(x, gamma, np.zeros(1), eps=0.25)
    (first,) = chainer.grad([y[0, 0]], [x], enable_double_backprop=True)
    found[scale] = chainer.grad([first[0, 0]], [gamma])[0].array[0].round(3)
rows = np.array([0.0, 1.0, 3.0]) + 0.001 * np.array([[-1, 0, 0], [1, 0, 0]])
due = ((rows[:, 0] - rows.mean(1)) / np.sqrt(rows.var(1) + 0.25)) @ [-1, 1] / 0.002  # dy[0]/dx[0] of gamma 1
print("chainer", chainer.__version__, "| derivative of dy[0]/dx[0] by gamma")
print("gamma = 0: returned", found[0.0])  # nan
print("gamma = 1: returned", found[1.0])
print("           due     ", due.round(3))
raise SystemExit(int(np.isnan(found[0.0])))  # no tolerance: it is no number
