"""HIPS autograd: the gradient of the mean or the variance of a float32 array is float64, as it divides by an integer of
NumPy, which float32 is not kept through; that of a sum is float32. Exit status 1: still so."""

from importlib.metadata import version

import autograd.numpy as np
from autograd import grad

x = np.array([[0.0], [1.0], [3.0]], dtype="float32")
print("autograd", version("autograd"), "| type of the gradient of")
print("mean(x): returned", grad(lambda x: np.mean(x))(x).dtype)  # float64
print("var(x):  returned", grad(lambda x: np.var(x))(x).dtype)  # float64
print("sum(x):  returned", grad(lambda x: np.sum(x))(x).dtype)  # float32
print("         due     ", x.dtype)  # the type of x
raise SystemExit(int(grad(lambda x: np.mean(x))(x).dtype != x.dtype))  # no tolerance: a type
