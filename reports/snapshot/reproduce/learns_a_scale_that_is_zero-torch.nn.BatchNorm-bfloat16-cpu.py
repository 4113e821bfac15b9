# Reproduces a finding of bnconform; needs torch and NumPy.
#
# implementation  torch.nn.BatchNorm
# spec            learns_a_scale_that_is_zero
# equation        \gamma = 0 \quad\Rightarrow\quad y = \beta, \quad \frac{\partial\ell}{\partial x} = 0, \quad \frac{\partial\ell}{\partial\gamma} = \sum_i g_i\,\hat{x}_i
# quantity        dbeta
#
# Exit status: 1 it still disagrees (or raises an error), 0 it no longer does, 2 this script cannot tell.
import sys

import numpy as np
import torch

nan, inf = float("nan"), float("inf")

# The case, value for value: a float64 holds every number of the narrower types exactly.
MODE = 'train'
AXIS = -1
EPS = 0.25
MOMENTUM = 0.25  # the weight of the new statistics
DTYPES = {'x': 'bfloat16', 'gamma': 'bfloat16', 'beta': 'bfloat16', 'running_mean': 'bfloat16', 'running_var': 'bfloat16', 'dy': 'bfloat16'}
VALUES = {
    "x": np.array([0.0, 0.0, 0.0, 0.0]).reshape((1, 2, 2)),
    "gamma": np.array([1.0, 1.0]).reshape((2,)),
    "beta": np.array([0.0, 0.0]).reshape((2,)),
    "running_mean": np.array([0.0, 0.0]).reshape((2,)),
    "running_var": np.array([1.0, 1.0]).reshape((2,)),
    "dy": np.array([100.0, 100.0, 100.0, 100.5]).reshape((1, 2, 2)),
}

# What the equation gives, how far rounding may lead from it, and what was measured when this was written.
QUANTITY = 'dbeta'
EXPECTED = np.array([200.0, 200.5]).reshape((2,))
BOUND = np.array([0.0001268388819751023, 0.00012713690567463845]).reshape((2,))
MEASURED = np.array([200.0, 200.0]).reshape((2,))


def tensor(name, dtype):
    return None if VALUES[name] is None else torch.from_numpy(VALUES[name].copy()).to(getattr(torch, dtype))


def run():
    wide = "float64" if DTYPES["x"] == "float64" else "float32"  # parameters, as under autocast
    x = tensor("x", DTYPES["x"])
    gamma, beta, mean, var = (tensor(name, wide) for name in ("gamma", "beta", "running_mean", "running_var"))
    sources = {"dx": x, "dgamma": gamma, "dbeta": beta}
    sources = {name: source for name, source in sources.items() if source is not None}
    for source in sources.values():
        source.requires_grad_(VALUES["dy"] is not None)
    moved = x.movedim(AXIS, 1)
    layers = {2: torch.nn.BatchNorm1d, 3: torch.nn.BatchNorm1d, 4: torch.nn.BatchNorm2d, 5: torch.nn.BatchNorm3d}
    layer = layers[x.ndim](
        moved.shape[1],
        eps=EPS,
        momentum=MOMENTUM,
        affine=gamma is not None or beta is not None,
        track_running_stats=mean is not None,
        dtype=getattr(torch, wide),
    )
    layer.train(MODE == "train")
    if gamma is not None:
        layer.weight = gamma = sources["dgamma"] = torch.nn.Parameter(gamma.detach())
    if beta is not None:
        layer.bias = beta = sources["dbeta"] = torch.nn.Parameter(beta.detach())
    if mean is not None:
        layer.running_mean, layer.running_var = mean, var
    y = layer(moved).movedim(1, AXIS)
    found = {"y": y, "running_mean": mean, "running_var": var}
    if VALUES["dy"] is not None:
        found |= zip(sources, torch.autograd.grad(y, list(sources.values()), tensor("dy", DTYPES["x"])))
    return {name: value.detach().double().numpy() for name, value in found.items() if value is not None}


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
