"""Bounds beside parameters of a wider type: those of float32 and one rounding, or of 16 bits and the parameters'."""

from dataclasses import replace

import numpy as np
import pytest
from flint import arb
from worlds import exact_normalization
from worlds.channel_regimes import TYPES
from worlds.ratios import worst_ratio
from worlds.rounded_normalization import Variant, outputs

from bnconform import Dialect
from bnconform.cases.strategies import Traits, cases
from bnconform.engine.drawing import drawn
from bnconform.oracle import bounds
from bnconform.oracle.bounds.formats import arithmetic, effective_for
from bnconform.oracle.expected import expected

DECLARED = Dialect(stats_dtype="float32", params_dtype="float32")
NARROW = Dialect()
NAMES = {
    "train": ("y", "running_mean", "running_var", "dx", "dgamma", "dbeta"),
    "infer": ("y", "dx", "dgamma", "dbeta"),
}
VARIANTS = (
    Variant(),
    Variant("reverse", "two-pass", "divided", "multiplied", "stepped"),
    Variant("tree", "welford", "folded", average="decayed"),
)


def mixed_cases(dtype, mode, examples=30):
    """Cases of two axes, with every parameter."""
    found = drawn(cases(mode=mode, channels="wide").strategy(Traits(dtype=dtype, ranks=(2,))), examples)
    return [
        replace(case, axis=1) if case.axis == -1 else case for case in found if case.gamma is not None is not case.beta
    ]


@pytest.mark.parametrize("mode", ["train", "infer"])
@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_what_is_due_is_exact_beside_what_rounding_may_do(dtype, mode):
    compared = 0
    for case in sorted(mixed_cases(dtype, mode), key=lambda case: case.x.size)[:3]:
        for index in range(case.channels):
            exact = exact_normalization.outputs(exact_normalization.channel(case, index), mode)
            for name in NAMES[mode]:
                value, within = expected(case, DECLARED, name)
                column = value[:, index] if value.ndim == 2 else value[index : index + 1]
                allowed = within.allowance[:, index] if value.ndim == 2 else within.allowance[index : index + 1]
                for got, due, most in zip(column, exact[name][0], allowed, strict=True):
                    if np.isfinite(most):
                        assert abs(arb(float(got)) - due) <= arb(float(most)) / 1000, (name, index)
                        compared += 1
    assert compared > 300


@pytest.mark.parametrize("mode", ["train", "infer"])
@pytest.mark.parametrize("compute", ["float32", "x"])
@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_correct_implementations_stay_within_the_bounds(dtype, compute, mode):
    dialect, kind = (DECLARED, np.float32) if compute == "float32" else (NARROW, TYPES[dtype])
    worst = 0.0
    for case in mixed_cases(dtype, mode):
        for variant in VARIANTS:
            with np.errstate(all="ignore"):
                results = outputs(case, variant, kind, np.float32)
            worst = max(worst, *(worst_ratio(case, name, got, dialect) for name, got in results.items()))
    assert 0 < worst <= 1


@pytest.mark.parametrize("mode", ["train", "infer"])
def test_float32_bounds_and_one_rounding_of_the_output_are_all_that_is_allowed(mode):
    for case in mixed_cases("float16", mode, 10):
        plain = replace(case, x=case.x.astype(np.float32), dy=case.dy.astype(np.float32))
        for name in NAMES[mode]:
            mixed, narrow = getattr(bounds, name)(case, DECLARED), getattr(bounds, name)(plain, NARROW)
            value = np.abs(expected(case, DECLARED, name)[0])
            half = arithmetic("float16").u if name in ("y", "dx") else 0.0
            finite = np.isfinite(mixed.allowance)
            most = (narrow.allowance + half * (value + narrow.allowance)) * (1 + 1e-5) + arithmetic("float16").kept
            assert (mixed.allowance <= most)[finite].all(), name


def test_rounding_of_parameters_is_allowed_to_who_declares_no_wider_arithmetic():
    for case in mixed_cases("bfloat16", "infer", 10):
        rounded = {name: getattr(case, name).astype(TYPES["bfloat16"]).astype(np.float32)
                   for name in ("gamma", "beta", "running_mean", "running_var")}  # fmt: skip
        with np.errstate(all="ignore"):
            results = outputs(replace(case, **rounded), Variant(), np.float64, np.float32)
        assert worst_ratio(case, "y", results["y"], DECLARED) > 1
        assert all(worst_ratio(case, name, got, NARROW) <= 1 for name, got in results.items())


@pytest.mark.parametrize("mode", ["train", "infer"])
def test_nothing_is_claimed_of_what_the_arithmetic_cannot_hold(mode):
    case = mixed_cases("float16", mode)[0]
    large = replace(case, running_var=np.full(case.channels, 1e6, np.float32))
    name = "running_var" if mode == "train" else "y"
    assert not bounds.__dict__[name](large, NARROW).claims.any()
    assert bounds.__dict__[name](large, DECLARED).claims.all()


def test_averages_and_gradients_are_due_in_the_type_of_the_parameters_whatever_is_declared():
    case = mixed_cases("float16", "train")[0]
    types = effective_for(case, Dialect(stats_dtype="float32"))
    assert (types.output.name, types.params.name, types.running.name) == ("float16", "float32", "float32")
    plain = replace(case, gamma=case.gamma.astype(np.float16), beta=case.beta.astype(np.float16))
    assert effective_for(plain, Dialect(stats_dtype="float32")).running.name == "float16"
