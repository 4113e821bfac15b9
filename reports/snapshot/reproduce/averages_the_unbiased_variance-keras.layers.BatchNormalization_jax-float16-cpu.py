# Reproduces a finding of bnconform; needs keras, jax and NumPy.
#
# implementation  keras.layers.BatchNormalization@jax
# spec            averages_the_unbiased_variance
# equation        {\sigma^2}' = (1 - \omega)\,\sigma^2 + \omega\,\frac{m}{m-1}\,\sigma_B^2
# quantity        running_var
#
# Exit status: 1 it still disagrees (or raises an error), 0 it no longer does, 2 this script cannot tell.
import os
import sys

os.environ["KERAS_BACKEND"] = "jax"

import jax
import keras
import numpy as np

jax.config.update("jax_enable_x64", True)

nan, inf = float("nan"), float("inf")

# The case, value for value: a float64 holds every number of the narrower types exactly.
MODE = 'train'
AXIS = -1
EPS = 0.25
MOMENTUM = 0.25  # the weight of the new statistics
DTYPES = {'x': 'float16', 'gamma': 'float16', 'beta': 'float16', 'running_mean': 'float16', 'running_var': 'float16', 'dy': 'float16'}
VALUES = {
    "x": np.array([0.0, 0.0, 0.0, 0.5]).reshape((2, 2)),
    "gamma": np.array([1.0, 1.0]).reshape((2,)),
    "beta": np.array([0.0, 0.0]).reshape((2,)),
    "running_mean": np.array([0.0, 0.0]).reshape((2,)),
    "running_var": np.array([1.0, 1.0]).reshape((2,)),
    "dy": np.array([0.0, 0.0, 0.0, 0.0]).reshape((2, 2)),
}

# What the equation gives, how far rounding may lead from it, and what was measured when this was written.
QUANTITY = 'running_var'
EXPECTED = np.array([0.75, 0.78125]).reshape((2,))
BOUND = np.array([3.874305784702301e-07, 4.699714234313513e-07]).reshape((2,))
MEASURED = np.array([0.75, 0.765625]).reshape((2,))


WIDE = "float64" if DTYPES["x"] == "float64" else "float32"


def load(name, dtype):
    return None if VALUES[name] is None else jax.numpy.asarray(VALUES[name], dtype)


POLICY = {"float16": "mixed_float16", "bfloat16": "mixed_bfloat16"}.get(DTYPES["x"], DTYPES["x"])
LAYER = keras.layers.BatchNormalization(
    axis=AXIS, scale=VALUES["gamma"] is not None, center=VALUES["beta"] is not None, dtype=POLICY
)
LAYER.build([size if axis == AXIS % VALUES["x"].ndim else None for axis, size in enumerate(VALUES["x"].shape)])


def forward(x, params, eps, momentum):
    LAYER.epsilon, LAYER.momentum = eps, 1 - momentum
    gamma, beta, mean, var = params
    weights = [value for value in (gamma, beta) if value is not None]
    state = [variable.value for variable in LAYER.non_trainable_variables] if mean is None else [mean, var]
    y, new = LAYER.stateless_call(weights, state, x, training=MODE == "train")
    return y, (None, None) if mean is None else tuple(new)


@jax.jit
def step(x, params, eps, momentum, dy):
    if dy is None:
        return *forward(x, params, eps, momentum), (None, None, None)

    def affine(x, gamma, beta):
        return forward(x, (gamma, beta, *params[2:]), eps, momentum)

    y, pull, running = jax.vjp(affine, x, params[0], params[1], has_aux=True)
    return y, running, pull(dy)


def run():
    params = tuple(load(name, WIDE) for name in ("gamma", "beta", "running_mean", "running_var"))
    y, running, grads = step(load("x", DTYPES["x"]), params, EPS, MOMENTUM, load("dy", DTYPES["x"]))
    return dict(zip(("y", "running_mean", "running_var", "dx", "dgamma", "dbeta"), (y, *running, *grads)))


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
