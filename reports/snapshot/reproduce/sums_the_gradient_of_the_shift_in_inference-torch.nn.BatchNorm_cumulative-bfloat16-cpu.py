# Reproduces a finding of bnconform; needs bnconform, the adapter, its framework and NumPy.
#
# implementation  torch.nn.BatchNorm:cumulative
# spec            sums_the_gradient_of_the_shift_in_inference
# equation        \frac{\partial\ell}{\partial\beta} = \sum_i g_i
# quantity        dbeta
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
MODE = 'infer'
AXIS = -1
EPS = 0.3
MOMENTUM = 0.3  # the weight of the new statistics
DTYPES = {'x': 'bfloat16', 'gamma': 'bfloat16', 'beta': 'bfloat16', 'running_mean': 'bfloat16', 'running_var': 'bfloat16', 'dy': 'bfloat16'}
VALUES = {
    "x": np.array([
        0.00185394287109375, -0.90234375, -0.39453125, -0.58203125, -10.875, -1.6796875, -6.0, -38.0, 9920.0,
        57.0, -2.46875, -648.0, -0.85546875, 0.0, -0.212890625, -2.28125, -1.3046875, 0.000942230224609375,
        -0.44921875, 2.921875, 0.10400390625, -13.75, -1.4375, -5.0, -52.5, 9920.0, 58.0, -2.484375, -644.0,
        -0.61328125, 0.0, -0.049560546875, 2.25, 1.6171875, 0.0002803802490234375, 0.275390625, 0.8515625,
        -0.69921875, -11.875, -1.3203125, 0.0, -54.0, 9984.0, 57.5, -2.453125, -648.0, 1.21875, 0.494140625,
        0.15625, -0.478515625, -1.1953125, 0.00299072265625, 0.9921875, 0.70703125, -0.0556640625, -9.375,
        -1.1796875, -6.0, -57.0, 9920.0, 58.75, -2.46875, -644.0, 0.1298828125, 0.0, -0.19140625, 2.671875,
        -1.921875, 0.00098419189453125, -1.15625, -0.09326171875, -0.08935546875, -12.3125, -1.5, -5.0,
        16.125, 9920.0, 58.75, -2.484375, -648.0, -1.2421875, 0.0, -0.007049560546875, 1.421875, 0.52734375,
        -0.00160980224609375, -1.09375, 1.8984375, -0.640625, -12.5, -1.59375, 0.0, -42.5, 9984.0, 58.75,
        -2.46875, -648.0, -1.84375, 0.32421875, -0.27734375, 3.96875, -0.3046875, -0.000774383544921875,
        -1.21875, 0.5546875, 0.0019683837890625, -13.0, -1.8359375, 0.0, 5.40625, 9920.0, 58.0, -2.484375,
        -648.0, 0.6484375, 0.0, -0.1640625, 1.7421875, -1.578125, 0.00081634521484375, -0.7265625, 3.078125,
        -0.412109375, -12.8125, -1.6484375, -6.0, -59.5, 9920.0, 58.0, -2.46875, -648.0, 0.82421875, 0.0,
        -0.12451171875, -0.3828125, 0.99609375, 0.0003509521484375, -0.66015625, 0.439453125, -0.66796875,
        -13.4375, -1.6640625, -1.0, -78.0, 9920.0, 58.5, -2.484375, -648.0, 1.4375, 0.421875, -0.1435546875,
        1.0, -0.3203125, -0.00159454345703125, 1.84375, 1.46875, 0.19140625, -14.1875, -1.6484375, -1.0,
        -81.0, 9920.0, 57.75, 1.21875, -648.0, -0.55078125, 0.8203125, 0.044189453125, 1.5390625, -0.423828125
    ]).reshape((5, 2, 17)),
    "gamma": np.array([
        0.97265625, -0.84765625, -2.453125, 0.412109375, -0.306640625, -1.34375, 0.38671875, 2.046875,
        -2.234375, -1.046875, 1.3515625, -1.7734375, -3.921875, 0.91015625, 0.8515625, 1.5390625, -1.1875
    ]).reshape((17,)),
    "beta": np.array([
        0.0, 1.234375, 0.1494140625, 1.2421875, -0.1865234375, -0.07275390625, 0.0, 0.0, -1.4921875,
        -1.921875, -0.486328125, 0.0, -0.87890625, 0.0, 0.0, 0.0, 0.0
    ]).reshape((17,)),
    "running_mean": np.array([
        -0.0022125244140625, -0.330078125, 1.96875, -0.375, -11.9375, -1.8359375, -3.109375, -22.5, 9920.0,
        59.25, -1.6640625, -644.0, -0.4765625, 0.255859375, -0.08154296875, 2.078125, 0.2177734375
    ]).reshape((17,)),
    "running_var": np.array([
        3.4123659133911133e-06, 0.71484375, 0.8125, 0.038818359375, 1.09375, 0.30078125, 1.1875, 1728.0,
        1.6875, 0.28125, 1.578125, 0.412109375, 0.65625, 2.203125, 0.0269775390625, 7.8125, 1.0234375
    ]).reshape((17,)),
    "dy": np.array([
        1.6953125, 0.232421875, -0.345703125, -0.443359375, 2.53125, 0.8671875, -1.234375, 0.482421875,
        -9.125, -0.79296875, 1.6484375, -4.6875, 0.034423828125, 1.6484375, 0.70703125, -0.251953125,
        -0.023681640625, 2.390625, 0.7265625, 1.578125, 1.5, -0.0673828125, 1.734375, -0.74609375, 0.63671875,
        -9.125, -1.0625, 1.109375, 8.125, 0.240234375, 0.2138671875, 3.578125, 3.015625, 3.4375, 0.65234375,
        1.0625, 2.296875, -1.0390625, 2.25, 2.53125, 4.0625, 0.09423828125, 11.0, -0.7890625, 1.3125,
        -1.0703125, 0.70703125, 1.375, 7.0625, 1.9375, 1.0234375, 3.625, 1.1953125, 1.7890625, 1.4140625,
        2.859375, 2.484375, -1.4375, -0.392578125, -7.96875, 1.1875, 0.9140625, 8.1875, 0.8046875, 1.015625,
        1.375, 4.8125, 0.2734375, 1.09375, -0.004241943359375, 1.515625, 0.79296875, 2.9375, 1.3515625,
        -1.3046875, 1.140625, -9.375, 3.21875, 0.7265625, -1.6484375, -0.1171875, 1.9453125, 4.34375,
        0.64453125, 3.609375, -0.6953125, 0.052490234375, 2.125, -0.6171875, 0.69921875, 1.1875, 3.703125,
        0.9609375, 10.9375, 1.40625, 0.82421875, -2.671875, -0.75, 0.390625, 1.28125, 4.625, 4.8125, 0.96875,
        0.427734375, 0.95703125, 2.765625, 1.9140625, 1.921875, 4.625, 1.8203125, -7.84375, 0.6484375,
        1.3203125, -4.53125, 1.0625, 1.2890625, 3.15625, 1.6953125, 0.046875, 2.25, 0.80859375, 3.875,
        -0.0084228515625, 1.875, 1.8125, -2.21875, 0.12109375, -7.125, 2.015625, 1.140625, -1.359375,
        1.3359375, 1.8046875, 3.609375, -0.412109375, 5.75, 1.1875, 0.279296875, 1.453125, 0.546875,
        1.2421875, 2.984375, 2.40625, -0.01116943359375, -8.6875, 2.0625, 1.1953125, -3.359375, 1.6015625,
        1.75, 2.421875, 2.921875, 2.703125, -0.294921875, 1.9296875, 2.390625, 2.609375, 0.95703125,
        0.8046875, 4.03125, -0.251953125, -8.5, -0.1298828125, 2.9375, -3.375, 0.375, 2.390625, 6.0,
        1.4453125, 2.03125
    ]).reshape((5, 2, 17)),
}

# What the equation gives, how far rounding may lead from it, and what was measured when this was written.
QUANTITY = 'dbeta'
EXPECTED = np.array([
        12.873046875, 6.710357666015625, 17.634765625, 7.5208740234375, 17.1982421875, 17.6796875,
        11.88671875, 4.60064697265625, -45.8125, 7.7646484375, 13.12890625, -6.390625, 5.294189453125,
        13.8232421875, 33.53515625, 20.43359375, 23.663818359375
    ]).reshape((17,))
BOUND = np.array([
        1.641296407363159e-05, 7.446968712941695e-06, 2.061556539148783e-05, 1.2830813795693347e-05,
        1.9550013742043562e-05, 1.9783755104141866e-05, 2.5928649614105184e-05, 6.581371707153894e-06,
        8.857705985226441e-05, 1.4171374966212043e-05, 1.4562655113043015e-05, 3.47532197142302e-05,
        7.779266023973218e-06, 1.530759830159255e-05, 3.7886744485014885e-05, 2.4301514951709017e-05,
        2.6393066063019858e-05
    ]).reshape((17,))
MEASURED = np.array([
        12.875, 6.71875, 17.625, 7.53125, 17.25, 17.625, 11.875, 4.59375, -45.75, 7.75, 13.125, -6.375,
        5.28125, 13.8125, 33.5, 20.375, 23.625
    ]).reshape((17,))


ADAPTER = 'bnconform.adapters.torch'
IMPLEMENTATION = 'torch.nn.BatchNorm:cumulative'


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
