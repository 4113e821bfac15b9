"""The bounds: silent about what is correct, of the right shape, and equal to independently computed figures."""

import gc
import json
import weakref
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from worlds.channel_regimes import ARITHMETIC, TYPES, golden_case, hard_case, telling_case
from worlds.ratios import worst_ratio
from worlds.rounded_normalization import Variant, outputs

from bnconform import Case, Dialect
from bnconform.oracle import bounds
from bnconform.oracle.bounds import Bound, first_order
from bnconform.oracle.bounds.formats import arithmetic

WIDE = {"stats_dtype": "float32"}
ONE_PASS = {"variance": "one-pass"}
CORRECT = {
    "forward": (Variant(), {}),
    "reverse": (Variant("reverse", "two-pass", "divided", "multiplied", "stepped"), {}),
    "welford": (Variant("tree", "welford", "folded", average="decayed"), {}),
    "one-pass": (Variant("tree", "one-pass", "folded"), ONE_PASS),
    "uncentred": (Variant("forward", "two-pass", "scaled", "uncentred"), {"backward": "uncentred"}),
    "one-pass uncentred": (
        Variant(order="reverse", variance="one-pass", backward="uncentred"),
        {**ONE_PASS, "backward": "uncentred"},
    ),
}
GOLDEN = json.loads((Path(__file__).parent / "golden_bounds.json").read_text())


@pytest.mark.parametrize("arithmetic", ARITHMETIC)
@pytest.mark.parametrize("variant", CORRECT)
def test_correct_implementations_stay_within_the_bounds(arithmetic, variant):
    dtype, compute, declared = ARITHMETIC[arithmetic]
    form, own = CORRECT[variant]
    dialect = Dialect(**declared, **own)
    for seed, m in enumerate((1, 2, 3, 7, 16, 50, 130)):
        for mode in ("train", "infer"):
            case = hard_case(seed, dtype, m, mode)
            with np.errstate(all="ignore"):
                results = outputs(case, form, TYPES[compute], TYPES[compute])
            for name, got in results.items():
                assert worst_ratio(case, name, got, dialect) <= 1, (name, m, mode)


@pytest.mark.parametrize("dtype", TYPES)
@pytest.mark.parametrize("variant", [*CORRECT, "weighted"])
def test_what_a_small_scale_loses_to_underflow_is_bounded(dtype, variant):
    form, own = CORRECT.get(variant, (Variant(form="weighted"), {}))
    smallest = arithmetic(dtype).kept
    for seed, m in enumerate((2, 3, 16)):
        for mode in ("train", "infer"):
            case = hard_case(seed, dtype, m, mode)
            d = 2.0**-11 * np.random.default_rng(seed).standard_normal(case.x.shape)
            gamma = np.exp2(np.random.default_rng(seed).uniform(4, 16, case.channels)) * smallest
            case = replace(case, x=d.astype(TYPES[dtype]), gamma=gamma.astype(TYPES[dtype]), eps=1e-3)
            with np.errstate(all="ignore"):
                y = outputs(case, form, TYPES[dtype], TYPES[dtype])["y"]
            assert worst_ratio(case, "y", y, Dialect(**own)) <= 1, (m, mode)


@pytest.mark.parametrize("arithmetic", ["float32", "float64", "bfloat16 by float32", "float16 by float32"])
def test_most_comparisons_of_ordinary_data_make_a_claim(arithmetic):
    dtype, _, declared = ARITHMETIC[arithmetic]
    case = telling_case(dtype)
    for name in ("y", "dx", "dgamma", "dbeta", "running_mean", "running_var"):
        assert getattr(bounds, name)(case, Dialect(**declared)).claims.mean() > 0.9, name


@pytest.mark.parametrize("average", ["weighted", "stepped", "decayed"])
@pytest.mark.parametrize("arithmetic", ARITHMETIC)
def test_moving_averages_stay_within_the_bounds_at_any_momentum(arithmetic, average):
    dtype, compute, declared = ARITHMETIC[arithmetic]
    dialect = Dialect(**declared)
    for seed, momentum in enumerate((1e-6, 1e-3, 0.1, 1 / 3, 0.5, 0.7, 0.9, 0.99, 1 - 1e-3, 1 - 1e-6, 1.0)):
        case = altered(hard_case(seed, dtype, 4, "train"), momentum=momentum)
        with np.errstate(all="ignore"):
            results = outputs(case, Variant(average=average), TYPES[compute], TYPES[compute])
        for name in ("running_mean", "running_var"):
            assert worst_ratio(case, name, results[name], dialect) <= 1, (name, momentum)


def allowance_sums(entry):
    case = golden_case(entry["seed"], entry["dtype"], entry["mode"])
    allowance = getattr(bounds, entry["bound"])(case, Dialect(**entry["dialect"])).allowance
    return np.atleast_2d(allowance).sum(0)


@pytest.mark.parametrize("entry", GOLDEN, ids=lambda e: f"{e['bound']}-{e['mode']}-{e['dtype']}-{e['seed']}")
def test_allowances_equal_those_of_an_independent_computation(entry, monkeypatch):
    # Which takes u·(|z| + E) for the rounding of the output; the test below it holds the sharper form against rounding.
    monkeypatch.setattr(first_order, "rounding_of_output", lambda u, magnitude, error: u * (magnitude + error))
    expected = np.array([np.inf if value is None else value for value in entry["column_sums"]])
    np.testing.assert_allclose(allowance_sums(entry), expected, rtol=1e-6)


@pytest.mark.parametrize("dtype", TYPES)
def test_the_rounding_of_an_output_is_bounded_and_the_bound_is_attained(dtype):
    u, rng = arithmetic(dtype).u, np.random.default_rng(0)
    near = 2.0 ** rng.integers(-8, 9, 4000) * (1 + np.where(rng.random(4000) < 0.5, rng.random(4000), -u))
    error = near * 10.0 ** -rng.uniform(1, 9, 4000)
    bound = first_order.rounding_of_output(u, near, error)
    assert (bound <= u * (near + error)).all()
    assert (bound >= u * near / 2).all()
    ties = np.ldexp(1.0, np.frexp(near)[1] - 1) * (1 + u)
    if dtype != "float64":
        computed = near + error * rng.uniform(-1, 1, 4000)
        assert (np.abs(computed.astype(TYPES[dtype]).astype(float) - computed) <= bound).all()
        attained = np.abs(ties.astype(TYPES[dtype]).astype(float) - ties)
        np.testing.assert_array_equal(attained, first_order.rounding_of_output(u, ties, 0 * ties))


def every_bound(case, dialect):
    """Returns {name: Bound} of the outputs of the Case's mode."""
    names = ["running_mean", "running_var", "batch_mean", "batch_var"] if case.mode == "train" else []
    return {name: getattr(bounds, name)(case, dialect) for name in ["y", *names, "dx", "dgamma", "dbeta"]}


def altered(case, **changes):
    """Returns the Case with some fields changed."""
    return Case(**{name: getattr(case, name) for name in case.__dataclass_fields__} | changes)


def test_a_bound_adds_bounds_arrays_and_numbers_to_its_allowance():
    bound = Bound(np.array([1.0, 2.0]), np.array([10.0, 20.0]), 2.0**-8)
    for more in (Bound(np.array([0.5, 0.5]), np.zeros(2)), np.array([0.5, 0.5]), 0.5):
        total = bound + more
        assert total.allowance.tolist() == [1.5, 2.5]
        assert total.scale is bound.scale
        assert total.u == bound.u


def test_a_bound_claims_where_it_is_finite_and_small_beside_the_scale():
    scale = np.full(4, 2.0)
    assert Bound(np.array([0.0, 0.02, 0.021, np.inf]), scale).claims.tolist() == [True, True, False, False]
    coarse = Bound(np.array([0.2, 0.25, 0.26, np.nan]), scale, 2.0**-8)
    assert coarse.claims.tolist() == [True, True, False, False]


def test_a_bound_cannot_be_changed():
    with pytest.raises(AttributeError):
        Bound(np.zeros(1), np.ones(1)).allowance = np.ones(1)


@pytest.mark.parametrize("mode", ["train", "infer"])
@pytest.mark.parametrize("axis", [1, -1])
def test_bounds_have_the_shape_of_their_output(mode, axis):
    x = np.random.default_rng(0).standard_normal((2, 3, 4, 3)).astype("float32")
    case = altered(hard_case(0, "float32", 8, mode, channels=3), x=x, dy=x, axis=axis)
    for name, bound in every_bound(case, Dialect()).items():
        expected = x.shape if name in ("y", "dx") else (3,)
        assert bound.allowance.shape == bound.scale.shape == expected
        assert bound.allowance.dtype == np.float64
        assert (bound.allowance > 0).all()


@pytest.mark.parametrize("changes", [{"gamma": None}, {"beta": None}, {"gamma": None, "beta": None}])
def test_no_parameters_are_bounded_like_one_and_zero(changes):
    case = telling_case("float32")
    stated = {"gamma": np.ones(8, "float32"), "beta": np.zeros(8, "float32")}
    bare, full = altered(case, **changes), altered(case, **{name: stated[name] for name in changes})
    for name, bound in every_bound(bare, Dialect()).items():
        assert (bound.allowance == every_bound(full, Dialect())[name].allowance).all()


@pytest.mark.parametrize("dtype", list(TYPES))
@pytest.mark.parametrize("m", [2, 16, 100])
def test_random_order_never_widens_a_bound(dtype, m):
    case = hard_case(1, dtype, m, "train")
    ordered = every_bound(altered(case, shuffled=False), Dialect())
    for name, bound in every_bound(altered(case, shuffled=True), Dialect()).items():
        assert (bound.allowance <= ordered[name].allowance).all()


@pytest.mark.parametrize(
    ("narrow", "wide"),
    [
        ({}, {"variance": "one-pass"}),
        ({}, {"backward": "uncentred"}),
        ({}, {"rounded_branches": True}),
        (WIDE, {}),
        (WIDE, WIDE | {"stored_dtype": "bfloat16"}),
        (WIDE, WIDE | {"elementwise_dtype": "bfloat16"}),
        (WIDE, WIDE | {"cotangent_dtype": "bfloat16"}),
        ({"variance": "one-pass"}, {"variance": "one-pass", "clamps_variance": False}),
    ],
)
def test_coarser_declarations_never_narrow_a_bound(narrow, wide):
    case = hard_case(2, "bfloat16", 20, "train")
    finer, coarser = every_bound(case, Dialect(**narrow)), every_bound(case, Dialect(**wide))
    assert any((coarser[name].allowance > bound.allowance).any() for name, bound in finer.items())
    for name, bound in finer.items():
        assert (bound.allowance <= coarser[name].allowance * (1 + 1e-12)).all(), name


def test_what_may_overflow_on_its_way_is_not_claimed():
    case = telling_case("float32")
    huge = altered(case, x=case.x * np.float32(1e19))
    for name, bound in every_bound(huge, Dialect()).items():
        assert np.isinf(bound.allowance).all() == (name != "dbeta"), name  # dbeta depends on dy alone
    assert np.isfinite(every_bound(altered(case, x=case.x * np.float32(1e17)), Dialect())["y"].allowance).all()


def test_a_one_pass_variance_that_may_be_negative_leaves_no_claim_on_y():
    case = telling_case("float32", kappa=3e4, eps=1e-5)
    for clamps, finite in ((True, True), (False, False)):
        bound = bounds.y(case, Dialect(variance="one-pass", clamps_variance=clamps))
        assert np.isfinite(bound.allowance).all() == finite
        assert not bound.claims.any()


@pytest.mark.parametrize("dtype", list(TYPES))
def test_one_value_per_channel_is_bounded_around_beta(dtype):
    case = hard_case(3, dtype, 1, "train")
    some = every_bound(case, Dialect())
    assert np.isinf(some["running_var"].allowance).all()
    assert np.isfinite(bounds.running_var(case, Dialect(), correction=0).allowance).any()
    assert np.isfinite(some["y"].allowance).any()


@pytest.mark.parametrize(
    ("missing", "quantity"),
    [("dy", "dx"), ("dy", "dgamma"), ("dy", "dbeta"), ("running_mean", "running_mean"), ("running_var", "y")],
)
def test_what_the_case_lacks_is_named(missing, quantity):
    case = altered(telling_case("float32"), mode="infer" if quantity == "y" else "train", **{missing: None})
    with pytest.raises(ValueError, match=rf"Case\.{missing} is None"):
        getattr(bounds, quantity)(case, Dialect())


def test_values_that_are_not_finite_leave_no_claim():
    case = telling_case("float32")
    x = case.x.copy()
    x[0, 0], x[0, 1] = np.nan, np.inf
    for name, bound in every_bound(altered(case, x=x), Dialect()).items():
        assert np.isinf(bound.allowance[..., :2]).all() == (name != "dbeta"), name
        assert np.isfinite(bound.allowance[..., 2:]).all()


def test_each_dialect_has_terms_of_its_own_and_all_go_with_the_case():
    case = telling_case("bfloat16")
    for declared in (WIDE, {}, WIDE):
        fresh = altered(case)
        expected = bounds.dx(fresh, Dialect(**declared)).allowance
        assert (bounds.dx(case, Dialect(**declared)).allowance == expected).all()
    alive = weakref.ref(fresh)
    del fresh
    gc.collect()
    assert alive() is None


@pytest.mark.parametrize("variant", ["forward", "one-pass"])
def test_epsilon_below_the_normal_numbers_does_not_bound_the_root(variant):
    form, own = CORRECT[variant]
    rng = np.random.default_rng(8)
    x = (4 + rng.integers(0, 8, (5, 64)) * 2.0**-8).astype("float16")
    case = altered(hard_case(1, "float16", 5, "train"), x=x, gamma=np.full(64, 0.04, "float16"), eps=1e-12)
    with np.errstate(all="ignore"):
        results = outputs(case, form, np.float16, np.float16)
    assert variant == "forward" or not np.isfinite(results["y"]).all()
    for name, got in results.items():
        assert worst_ratio(case, name, got, Dialect(**own)) <= 1, name
