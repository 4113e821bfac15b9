"""Chainer: inference divides by computing 1/(σ² + ε) first and its root after, which overflows in float16 below 1.5e-5;
training computes the root first and does not. Needs chainer 7.8.1, Python ≤ 3.11, NumPy < 1.24."""

import warnings

warnings.simplefilter("ignore")
import chainer
import numpy as np

one, zero = np.ones(1, np.float16), np.zeros(1, np.float16)
x = np.array([[0], [0.5]], np.float16)
for eps in (2e-5, 1e-5):  # the first is Chainer's default
    y = chainer.functions.fixed_batch_normalization(x, one, zero, zero, zero, eps=eps).array
    print(
        f"chainer {chainer.__version__} float16, running variance 0, ε = {eps}: y = {y.ravel()},",
        f"expected {(x.ravel() / np.sqrt(eps)).astype(np.float16)}",
    )
raise SystemExit(int(not np.isfinite(y).all()))
