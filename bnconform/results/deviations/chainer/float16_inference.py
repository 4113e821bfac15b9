"""Chainer: inference computes 1/(var + eps) first and its root after, which overflows in float16 where var + eps is
below 1.5e-5. Chainer 7.8.1 needs Python 3.11 and NumPy 1.23 at most. Exit status 1: still so."""

import warnings

warnings.simplefilter("ignore")
import chainer
import numpy as np

one, zero = np.ones(1, np.float16), np.zeros(1, np.float16)
x = np.array([[0.5]], np.float16)
print("chainer", chainer.__version__, "| running mean 0, running variance 0")
for eps in (2e-5, 1e-5):  # the first is Chainer's default
    y = chainer.functions.fixed_batch_normalization(x, one, zero, zero, zero, eps=eps).array[0, 0]
    print(f"eps {eps}: returned {y}, due {0.5 / np.sqrt(eps):.1f}")  # 111.8, 111.8; inf, 158.1
raise SystemExit(int(not np.isfinite(y)))  # no tolerance: it is infinite
