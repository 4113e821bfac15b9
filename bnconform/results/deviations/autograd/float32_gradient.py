"""HIPS autograd: the gradient of the mean or the variance of a float32 array is float64, as it divides by an integer of
NumPy, which float32 is not kept through."""

from importlib.metadata import version

import autograd.numpy as np
import numpy
from autograd import grad

x = numpy.random.default_rng(0).standard_normal((5, 3)).astype("float32")
for name, function in {
    "sum(mean)": lambda x: np.sum(x.mean(axis=0)),
    "sum(var)": lambda x: np.sum(x.var(axis=0)),
}.items():
    print(
        "autograd",
        version("autograd"),
        "NumPy",
        numpy.__version__,
        "|",
        name,
        "of",
        x.dtype,
        "is",
        function(x).dtype,
        "| its gradient is",
        grad(function)(x).dtype,
    )
raise SystemExit(int(grad(function)(x).dtype != x.dtype))
