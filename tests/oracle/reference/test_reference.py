"""The reference against exact arithmetic, and its equations against difference quotients."""

import gc
import weakref
from itertools import product

import numpy as np
import pytest
from flint import arb
from worlds.exact_normalization import channel, differences, outputs, units
from worlds.reference_cases import TYPES, make

from bnconform.oracle import reference

U64 = arb(2) ** -53
SMALLEST = arb(2) ** -1074
CORRECTED = 1000
"""Units of u64 that the corrected-mean float64 may lose: 2^-19 units of float32, and it loses 131 at worst."""


def computed(case):
    """Returns {quantity: array} of the reference."""
    names = ("y", "dx", "dgamma", "dbeta", "running_mean", "running_var")
    return {name: getattr(reference, name)(case) for name in names}


def worst_units(case):
    """Returns the worst error of each quantity, in units of u64·Σ|terms|."""
    worst, got = {}, computed(case)
    for index in range(case.channels):
        magnitude = sum(abs(arb(float(g))) for g in case.dy[:, index])
        for name, (exact, terms) in outputs(channel(case, index), case.mode).items():
            if name == "running_var" and case.rows == 1:
                continue
            values = got[name][:, index] if got[name].ndim == 2 else got[name][index : index + 1]
            # Subnormal numbers are spaced by `SMALLEST`: h and the halves of its products are rounded to them.
            floor = SMALLEST * 8 * (1 + (magnitude if name == "dgamma" else 0)) if case.dtype == "float64" else arb(0)
            worst[name] = max(worst.get(name, 0.0), units(values, exact, terms, U64, floor))
    return worst


@pytest.mark.parametrize("mode", ["train", "infer"])
@pytest.mark.parametrize("kappa", [0, 1, 10, 1e3, 1e6, 1e9, 1e12])
def test_double_double_is_right_to_the_last_bit_of_a_float64(mode, kappa):
    seed = int(kappa) % 97
    for m, scale in product((1, 2, 3, 5, 16, 64), (1e-310, 1e-300, 1e-200, 1e-30, 1.0, 1e30, 1e100)):
        seed += 1
        case = make(seed, m, kappa, scale, mode=mode, g_scale=(1, 1e-300, 1e100, 1)[seed % 4])
        for name, error in worst_units(case).items():
            assert error <= 1.5, (name, m, scale)


def test_double_double_holds_over_a_hundred_thousand_rows():
    case = make(1, 100_000, 1e6, channels=1)
    assert max(worst_units(case).values()) <= 1.5


@pytest.mark.parametrize(
    ("dtype", "kappas", "scales"),
    [
        ("float32", (0, 1, 10, 1e3, 1e6, 1e9), (1e-44, 1e-38, 1e-20, 1.0, 1e15)),
        ("float16", (0, 1, 10, 100), (1e-7, 1e-3, 1.0)),
        ("bfloat16", (0, 1, 10, 100), (1e-38, 1.0, 1e17)),
    ],
)
def test_corrected_float64_is_right_far_beyond_narrower_types(dtype, kappas, scales):
    settings = product((1, 2, 3, 16, 100), kappas, scales, ("train", "infer"))
    for seed, (m, kappa, scale, mode) in enumerate(settings):
        for name, error in worst_units(make(seed, m, kappa, scale, dtype=dtype, mode=mode)).items():
            assert error <= CORRECTED, (name, m, kappa, scale, mode)


def test_corrected_float64_holds_at_the_largest_float32_numbers():
    case = make(3, 50, 3.0, 3e37, dtype="float32", momentum=0.0)
    assert max(worst_units(case).values()) <= CORRECTED


@pytest.mark.parametrize("mode", ["train", "infer"])
@pytest.mark.parametrize("m", [1, 2, 5])
def test_gradients_are_the_derivatives_of_the_loss(mode, m):
    for seed in range(4):
        case = make(seed, m, kappa=2.0, mode=mode, eps=0.5)
        got = computed(case)
        for index in range(case.channels):
            c = channel(case, index)
            terms = outputs(c, mode)
            for name, exact in differences(c, mode).items():
                values = got[name][:, index] if name == "dx" else got[name][index : index + 1]
                assert units(values, exact, terms[name][1], U64, arb(0)) <= 1.5, name


def test_dx_is_the_projection_matrix_times_the_cotangent():
    case = make(7, 6, 1.5, channels=1, eps=0.1)
    h, m = reference.normalized(case)[:, 0], case.rows
    root = 1 / np.sqrt(reference.batch_var(case)[0] + case.eps)
    jacobian = case.gamma[0] * root * (np.eye(m) - 1 / m - np.outer(h, h) / m)
    np.testing.assert_allclose(reference.dx(case)[:, 0], jacobian @ case.dy[:, 0], rtol=1e-12)


@pytest.mark.parametrize("dtype", list(TYPES))
def test_a_constant_channel_has_variance_zero_and_gives_beta(dtype):
    x = np.full((7, 2), 0.1).astype(TYPES[dtype])
    case = make(1, 7, dtype=dtype, x=x)
    assert not reference.batch_var(case).any()
    assert (reference.y(case) == case.beta.astype(np.float64)).all()
    assert (reference.batch_mean(case) == x[0].astype(np.float64)).all()


def test_one_value_per_channel_has_no_unbiased_variance():
    case = make(1, 1)
    assert np.isnan(reference.running_var(case)).all()
    assert np.isfinite(reference.running_var(case, correction=0)).all()
    assert (reference.y(case) == case.beta).all()
    assert not reference.dx(case).any()


def test_correction_multiplies_the_variance_by_m_over_m_minus_1():
    case = make(5, 4, momentum=1.0)
    np.testing.assert_allclose(reference.running_var(case, 0), reference.batch_var(case), rtol=1e-15)
    np.testing.assert_allclose(reference.running_var(case, 1), reference.batch_var(case) * 4 / 3, rtol=1e-15)


def test_no_scale_and_no_shift_mean_one_and_zero():
    bare = make(2, 5, gamma=None, beta=None)
    assert (reference.y(bare) == reference.normalized(bare)).all()
    full = make(2, 5, gamma=np.ones(2), beta=np.zeros(2))
    assert (reference.dx(bare) == reference.dx(full)).all()
    assert (reference.dgamma(bare) == reference.dgamma(full)).all()


@pytest.mark.parametrize("axis", [0, 1, 2, -1])
def test_channels_may_stand_on_any_axis(axis):
    rng = np.random.default_rng(3)
    x, dy = rng.standard_normal((2, 3, 4, 5)), rng.standard_normal((2, 3, 4, 5))
    channels = x.shape[axis]
    common = {"running_mean": np.zeros(channels), "running_var": np.ones(channels)}
    parameters = {"gamma": rng.standard_normal(channels), "beta": rng.standard_normal(channels)}
    case = make(1, 2, x=x, dy=dy, axis=axis, **common, **parameters)

    def rows(tensor):
        return np.moveaxis(tensor, axis, -1).reshape(-1, channels)

    flat = make(1, 2, x=rows(x), dy=rows(dy), **common, **parameters)
    for name, got in computed(case).items():
        want = computed(flat)[name]
        assert got.shape == (x.shape if want.ndim == 2 else (channels,))
        assert (rows(got) == want).all() if want.ndim == 2 else (got == want).all()


@pytest.mark.parametrize(
    ("missing", "quantity"),
    [
        ("dy", "dx"),
        ("dy", "dgamma"),
        ("dy", "dbeta"),
        ("running_mean", "running_mean"),
        ("running_var", "running_var"),
        ("running_mean", "y"),
        ("running_var", "y"),
    ],
)
def test_what_the_case_lacks_is_named(missing, quantity):
    case = make(1, 3, mode="infer" if quantity == "y" else "train", **{missing: None})
    with pytest.raises(ValueError, match=rf"Case\.{missing} is None"):
        getattr(reference, quantity)(case)


def test_a_solution_is_shared_and_forgotten_with_its_case():
    case = make(1, 3)
    assert reference.solution(case) is reference.solution(case)
    alive = weakref.ref(case)
    computed(case)
    del case
    gc.collect()
    assert alive() is None
