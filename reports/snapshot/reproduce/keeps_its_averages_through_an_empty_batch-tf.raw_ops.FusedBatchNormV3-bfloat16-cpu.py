# Reproduces a finding of bnconform; needs tensorflow and NumPy.
#
# implementation  tf.raw_ops.FusedBatchNormV3
# spec            keeps_its_averages_through_an_empty_batch
# equation        m = 0 \quad\Rightarrow\quad |\mu'| < \infty,\; {\sigma^2}' < \infty \quad\text{or an error}
# quantity        finite running_mean
#
# Exit status: 1 it still disagrees (or raises an error), 0 it no longer does, 2 this script cannot tell.
import sys

import numpy as np
import tensorflow as tf

tf.config.set_visible_devices([], "GPU")

nan, inf = float("nan"), float("inf")

# The case, value for value: a float64 holds every number of the narrower types exactly.
MODE = 'train'
AXIS = 1
EPS = 0.25
MOMENTUM = 0.25  # the weight of the new statistics
DTYPES = {'x': 'bfloat16', 'gamma': 'bfloat16', 'beta': 'bfloat16', 'running_mean': 'bfloat16', 'running_var': 'bfloat16'}
VALUES = {
    "x": np.array([0.0]).reshape((1, 1, 1, 1)),
    "gamma": np.array([1.0]).reshape((1,)),
    "beta": np.array([0.0]).reshape((1,)),
    "running_mean": np.array([0.0]).reshape((1,)),
    "running_var": np.array([1.0]).reshape((1,)),
    "dy": None,
}

# What the equation gives, how far rounding may lead from it, and what was measured when this was written.
QUANTITY = 'finite running_mean'
EXPECTED = None
BOUND = None
MEASURED = None


WIDE = "float64" if DTYPES["x"] == "float64" else "float32"


def tensor(name, dtype):
    return None if VALUES[name] is None else tf.cast(tf.constant(VALUES[name]), dtype)


def normalize(x, gamma, beta):
    mean, var = tensor("running_mean", WIDE), tensor("running_var", WIDE)
    tracked, empty = mean is not None and MODE == "train", tf.zeros([0], WIDE)
    out = tf.raw_ops.FusedBatchNormV3(
        x=x,
        scale=gamma,
        offset=beta,
        mean=empty if mean is None else mean,
        variance=empty if var is None else var,
        epsilon=EPS,
        exponential_avg_factor=MOMENTUM if tracked else 1.0,
        data_format="NCHW" if AXIS % 4 == 1 else "NHWC",
        is_training=MODE == "train",
    )
    return {"y": out.y} | ({"running_mean": out.batch_mean, "running_var": out.batch_variance} if tracked else {})


def run():
    channels = VALUES["x"].shape[AXIS]
    x, gamma, beta = tensor("x", DTYPES["x"]), tensor("gamma", WIDE), tensor("beta", WIDE)
    gamma = tf.ones([channels], WIDE) if gamma is None else gamma
    beta = tf.zeros([channels], WIDE) if beta is None else beta
    sources = {"dx": x, "dgamma": gamma, "dbeta": beta}
    sources = {name: source for name, source in sources.items() if source is not None}
    with tf.GradientTape(watch_accessed_variables=False) as tape:
        tape.watch(list(sources.values()))
        found = normalize(x, gamma, beta)
    if VALUES["dy"] is not None:
        found |= tape.gradient(found["y"], sources, output_gradients=tensor("dy", DTYPES["x"]))
    return {
        name: value.numpy() if name in ("y", "dx") else value.numpy().reshape(-1) for name, value in found.items()
    }


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
