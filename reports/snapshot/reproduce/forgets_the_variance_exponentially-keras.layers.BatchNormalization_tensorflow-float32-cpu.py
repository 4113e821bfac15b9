# Reproduces a finding of bnconform; needs keras, tensorflow and NumPy.
#
# implementation  keras.layers.BatchNormalization@tensorflow
# spec            forgets_the_variance_exponentially
# equation        {\sigma^2}^{(k)} = (1 - \omega)^k\,{\sigma^2}^{(0)} + \omega\,\frac{m}{m-1}\sum_{j=1}^k (1 - \omega)^{k-j}\,\sigma_{B_j}^2
# quantity        running_var after three steps
#
# Exit status: 1 it still disagrees (or raises an error), 0 it no longer does, 2 this script cannot tell.
import os
import sys

os.environ["KERAS_BACKEND"] = "tensorflow"

import keras
import numpy as np
import tensorflow

tensorflow.config.set_visible_devices([], "GPU")

nan, inf = float("nan"), float("inf")

# The case, value for value: a float64 holds every number of the narrower types exactly.
MODE = 'train'
AXIS = -1
EPS = 0.25
MOMENTUM = 0.25  # the weight of the new statistics
DTYPES = {'x': 'float32', 'gamma': 'float32', 'beta': 'float32', 'running_mean': 'float32', 'running_var': 'float32', 'dy': 'float32'}
VALUES = {
    "x": np.array([0.0, 0.5]).reshape((2, 1)),
    "gamma": np.array([1.0]).reshape((1,)),
    "beta": np.array([0.0]).reshape((1,)),
    "running_mean": np.array([0.0]).reshape((1,)),
    "running_var": np.array([1.0]).reshape((1,)),
    "dy": np.array([0.0, 0.0]).reshape((2, 1)),
}

# What the equation gives, how far rounding may lead from it, and what was measured when this was written.
QUANTITY = 'running_var after three steps'
EXPECTED = None
BOUND = None
MEASURED = None


WIDE = "float64" if DTYPES["x"] == "float64" else "float32"
POLICY = {"float16": "mixed_float16", "bfloat16": "mixed_bfloat16"}.get(DTYPES["x"], DTYPES["x"])


def tensor(name, dtype):
    return tensorflow.cast(tensorflow.constant(VALUES[name]), dtype)


def run():
    x, layer = tensor("x", DTYPES["x"]), keras.layers.BatchNormalization(
        axis=AXIS, scale=VALUES["gamma"] is not None, center=VALUES["beta"] is not None, dtype=POLICY
    )
    layer.build([size if axis == AXIS % x.ndim else None for axis, size in enumerate(x.shape)])
    layer.epsilon, layer.momentum = EPS, 1 - MOMENTUM  # Keras weighs the old statistics
    names = {"gamma": "gamma", "beta": "beta", "running_mean": "moving_mean", "running_var": "moving_variance"}
    for name, own in names.items():
        if VALUES[name] is not None:
            getattr(layer, own).assign(VALUES[name].astype(WIDE))
    sources = {"dx": x}
    sources |= {"d" + name: getattr(layer, name).value for name in ("gamma", "beta") if VALUES[name] is not None}
    found = {}
    with tensorflow.GradientTape() as tape:
        tape.watch(x)
        y = layer(x, training=MODE == "train")
    if VALUES["dy"] is not None:
        found |= tape.gradient(y, sources, output_gradients=tensor("dy", DTYPES["x"]))
    found["y"] = y
    if VALUES["running_mean"] is not None:
        found |= {"running_mean": layer.moving_mean.value, "running_var": layer.moving_variance.value}
    return {name: value.numpy() for name, value in found.items()}


def ratios(actual):
    """Returns error / bound of each element; above 1 it disagrees."""
    with np.errstate(all="ignore"):
        error = np.abs(actual - EXPECTED)
        quotient = np.where(BOUND > 0, error / BOUND, inf)
    agree = (actual == EXPECTED) | (np.isnan(actual) & np.isnan(EXPECTED)) | np.isposinf(BOUND)
    return np.where(agree, 0.0, np.where(np.isnan(quotient), inf, quotient))


def main():
    outcome = {name: np.asarray(value).astype(np.float64) for name, value in run().items() if value is not None}
    actual = outcome.get(QUANTITY)
    if not QUANTITY:
        print("No error was raised. It returned:", {name: value.shape for name, value in outcome.items()})
        return 0
    if actual is None or EXPECTED is None or actual.shape != EXPECTED.shape:
        print("The comparison needs more than one run, or a value that is not returned: use bnconform replay.")
        return 2
    found = ratios(actual)
    print(f"{'element':>16} {'now':>24} {'when found':>24} {'expected':>24} {'bound':>12} {'ratio':>12}")
    order = np.argsort(-found, axis=None, kind="stable")
    for index in zip(*np.unravel_index(order[:40], found.shape)):
        element = str(tuple(int(i) for i in index))
        then = float(MEASURED[index]) if MEASURED is not None else "-"
        now, wanted = float(actual[index]), float(EXPECTED[index])
        print(f"{element:>16} {now!r:>24} {then!s:>24} {wanted!r:>24} {BOUND[index]:>12.3g} {found[index]:>12.4g}")
    worst = float(found.max(initial=0.0))
    print(f"{QUANTITY}: worst ratio {worst:.6g}, {int((found > 1).sum())} of {found.size} elements outside their bound")
    return int(worst > 1)


if __name__ == "__main__":
    sys.exit(main())
