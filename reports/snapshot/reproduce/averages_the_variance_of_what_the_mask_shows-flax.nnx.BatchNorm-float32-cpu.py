# Reproduces a finding of bnconform; needs bnconform, the adapter, its framework and NumPy.
#
# implementation  flax.nnx.BatchNorm
# spec            averages_the_variance_of_what_the_mask_shows
# equation        {\sigma^2}' = (1 - \omega)\,\sigma^2 + \omega\,\frac{|M|}{|M| - 1}\,\sigma_M^2
# quantity        running_var under a mask
#
# Exit status: 1 it still disagrees (or raises an error), 0 it no longer does, 2 this script cannot tell.
import importlib
import importlib.util
import sys
from pathlib import Path

import numpy as np

from bnconform import Case
from bnconform.memory import handed_over

nan, inf = float("nan"), float("inf")

# The case, value for value: a float64 holds every number of the narrower types exactly.
MODE = 'train'
AXIS = 1
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
QUANTITY = 'running_var under a mask'
EXPECTED = None
BOUND = None
MEASURED = None


ADAPTER = 'bnconform.adapters.flax_nnx'
IMPLEMENTATION = 'flax.nnx.BatchNorm'


def load():
    """Imports the adapter: the first argument, or the one of the run, from here or from beside this script."""
    adapter = sys.argv[1] if len(sys.argv) > 1 else ADAPTER
    if not adapter.endswith(".py"):
        return importlib.import_module(adapter)
    places = [Path(adapter), Path(__file__).resolve().parent / adapter]
    found = next((place for place in places if place.is_file()), None)
    if found is None:
        sys.exit(f"{adapter} is not here; run this where it is, or give its path as the first argument")
    sys.path.append(str(found.resolve().parent))
    spec = importlib.util.spec_from_file_location("adapter_of_the_finding", found)
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


def dtype(name):
    if name == "bfloat16":
        import ml_dtypes

        return ml_dtypes.bfloat16
    return np.dtype(name)


def run():
    implementation = next(one for one in load().IMPLEMENTATIONS if one.name == IMPLEMENTATION)
    arrays = {
        name: None if value is None else np.asarray(value.astype(dtype(DTYPES[name])))
        for name, value in VALUES.items()
    }
    case = Case(mode=MODE, eps=EPS, momentum=MOMENTUM, axis=AXIS, **{}, **arrays)
    return vars(handed_over(implementation.run, case))


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
