# Reproduces a finding of bnconform; needs bnconform, the adapter, its framework and NumPy.
#
# implementation  tf.nn.batch_normalization
# spec            sends_second_gradients_to_the_input
# equation        \nabla_x\langle w, \nabla_x\ell\rangle = -\frac{\gamma}{\sigma_B^2 + \varepsilon}\left(\hat{x}\,\overline{w\,P(g)} + \overline{w\hat{x}}\,P(g) + \overline{g\hat{x}}\,P(w)\right), \qquad P(t) = t - \bar{t} - \hat{x}\,\overline{t\hat{x}}
# quantity        grad_x
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
AXIS = -1
EPS = 0.001
MOMENTUM = 0.875  # the weight of the new statistics
DTYPES = {'x': 'bfloat16', 'gamma': 'bfloat16', 'beta': 'bfloat16', 'running_mean': 'bfloat16', 'running_var': 'bfloat16', 'dy': 'bfloat16', 'bar_dx': 'bfloat16', 'bar_dgamma': 'bfloat16', 'bar_dbeta': 'bfloat16'}
VALUES = {
    "x": np.array([
        -0.0019989013671875, 0.00010013580322265625, 0.000400543212890625, -0.0002002716064453125
    ]).reshape((4, 1)),
    "gamma": np.array([0.400390625]).reshape((1,)),
    "beta": np.array([-1.3125]).reshape((1,)),
    "running_mean": np.array([-0.000499725341796875]).reshape((1,)),
    "running_var": np.array([0.0]).reshape((1,)),
    "dy": np.array([-0.97265625, 1.4375, 1.6484375, 1.2421875]).reshape((4, 1)),
    "bar_dx": np.array([0.4296875, 1.9765625, 2.4375, 1.1328125]).reshape((4, 1)),
    "bar_dgamma": np.array([0.83203125]).reshape((1,)),
    "bar_dbeta": np.array([-1.9765625]).reshape((1,)),
}

# What the equation gives, how far rounding may lead from it, and what was measured when this was written.
QUANTITY = 'grad_x'
EXPECTED = np.array([-5.285650780549538, 0.08505803292986336, -4.529857519673172, 9.730450267292838]).reshape((4, 1))
BOUND = np.array([37.72552690437674, 22.06483331128165, 28.120530378620444, 17.3744484246347]).reshape((4, 1))
MEASURED = np.array([-23.5, -19.125, -23.875, -9.125]).reshape((4, 1))


ADAPTER = 'bnconform.adapters.tf'
IMPLEMENTATION = 'tf.nn.batch_normalization'


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
