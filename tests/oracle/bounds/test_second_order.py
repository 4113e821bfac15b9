"""The bounds of tangents and second gradients: silent about what is correct, loud about wrong formulas, and equal to
figures that were computed independently.
"""

import json
from pathlib import Path

import numpy as np
import pytest
from worlds.channel_regimes import ARITHMETIC, TYPES
from worlds.ratios import worst_ratio
from worlds.rounded_second_order import FORMS, outputs
from worlds.second_order_cases import extended, golden_second, hard_second, telling_second

from bnconform import Dialect
from bnconform.oracle import bounds, reference
from bnconform.oracle.bounds import first_order
from bnconform.oracle.bounds.formats import effective

GOLDEN = json.loads((Path(__file__).parent / "golden_second_order.json").read_text())
NAMES = ("dot_y", "grad_x", "grad_gamma", "grad_dy")
ORDERS = {"closed": "forward", "expanded": "tree", "autodiff": "reverse"}


@pytest.mark.parametrize("entry", GOLDEN, ids=lambda e: f"{e['bound']}-{e['mode']}-{e['dtype']}-{e['seed']}")
def test_allowances_equal_those_of_an_independent_computation(entry, monkeypatch):
    monkeypatch.setattr(first_order, "rounding_of_output", lambda u, magnitude, error: u * (magnitude + error))
    case = golden_second(entry["seed"], entry["dtype"], entry["mode"])
    allowance = getattr(bounds, entry["bound"])(case, Dialect(**entry["dialect"])).allowance
    expected = np.array([np.inf if value is None else value for value in entry["column_sums"]])
    np.testing.assert_allclose(np.atleast_2d(allowance).sum(0), expected, rtol=1e-6)


@pytest.mark.parametrize("arithmetic", ARITHMETIC)
@pytest.mark.parametrize("form", FORMS)
def test_correct_implementations_stay_within_the_bounds(arithmetic, form):
    dtype, compute, declared = ARITHMETIC[arithmetic]
    dialect = Dialect(**declared)
    params = TYPES[effective(dtype, dialect).params.name]
    for seed, m in enumerate((1, 2, 3, 7, 16, 50, 130)):
        for mode in ("train", "infer"):
            case = hard_second(seed, dtype, m, mode)
            with np.errstate(all="ignore"):
                results = outputs(case, ORDERS[form], form, TYPES[compute], params)
            for name, got in results.items():
                assert worst_ratio(case, name, got, dialect) <= 1, (name, m, mode)


class Float64:
    """The exact quantities of a Case, for writing wrong formulas with."""

    def __init__(self, case):
        arrays = {name: value for name, value in vars(case).items() if isinstance(value, np.ndarray)}
        for name, value in arrays.items():
            setattr(self, name, value.astype(float))
        mean, var = self.x.mean(0), self.x.var(0)
        self.r = 1 / np.sqrt(var + case.eps)
        self.h, self.m = (self.x - mean) * self.r, case.rows
        self.scale = self.gamma * self.r

    def p(self, t):
        return t - t.mean(0) - self.h * self.c(t)

    def c(self, t):
        return (t * self.h).mean(0)

    def second(self, *, along_h=1.0, of_g=1.0, of_w=1.0, p=1.0):
        w, g = self.bar_dx, self.dy
        inner = along_h * self.h * (w * self.p(g)).mean(0) + of_g * self.c(w) * self.p(g) + of_w * self.c(g) * self.p(w)
        return p * self.bar_dgamma * self.r * self.p(g) - self.scale * self.r * inner


WRONG = {
    "mean a constant": ("dot_y", lambda e: e.scale * (e.dot_x - e.h * e.c(e.dot_x)) + e.dot_gamma * e.h + e.dot_beta),
    "variance a constant": (
        "dot_y",
        lambda e: e.scale * (e.dot_x - e.dot_x.mean(0)) + e.dot_gamma * e.h + e.dot_beta,
    ),
    "statistics constant": ("dot_y", lambda e: e.scale * e.dot_x + e.dot_gamma * e.h + e.dot_beta),
    "tangent of the scale dropped": ("dot_y", lambda e: e.scale * e.p(e.dot_x) + e.dot_beta),
    "tangent of the shift dropped": ("dot_y", lambda e: e.scale * e.p(e.dot_x) + e.dot_gamma * e.h),
    "scale forgotten": ("dot_y", lambda e: e.r * e.p(e.dot_x) + e.dot_gamma * e.h + e.dot_beta),
    "statistics constant in grad_x": ("grad_x", lambda e: e.bar_dgamma * e.r * e.p(e.dy)),
    "part along h dropped": ("grad_x", lambda e: e.second(along_h=0)),
    "part along P(g) dropped": ("grad_x", lambda e: e.second(of_g=0)),
    "part along P(w) dropped": ("grad_x", lambda e: e.second(of_w=0)),
    "a factor of two in grad_x": ("grad_x", lambda e: e.second(along_h=2)),
    "cotangent of dgamma dropped": ("grad_x", lambda e: e.second(p=0)),
    "mean a constant in grad_gamma": (
        "grad_gamma",
        lambda e: e.r * (e.bar_dx * (e.dy - e.h * e.c(e.dy))).sum(0),
    ),
    "variance a constant in grad_gamma": ("grad_gamma", lambda e: e.r * (e.bar_dx * (e.dy - e.dy.mean(0))).sum(0)),
    "a mean for the sum in grad_gamma": ("grad_gamma", lambda e: e.r * (e.bar_dx * e.p(e.dy)).mean(0)),
    "mean a constant in grad_dy": (
        "grad_dy",
        lambda e: e.scale * (e.bar_dx - e.h * e.c(e.bar_dx)) + e.bar_dgamma * e.h + e.bar_dbeta,
    ),
    "cotangent of dgamma dropped in grad_dy": ("grad_dy", lambda e: e.scale * e.p(e.bar_dx) + e.bar_dbeta),
}


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("fault", WRONG)
def test_wrong_formulas_exceed_the_bounds(dtype, fault):
    case, (name, formula) = telling_second(dtype), WRONG[fault]
    assert worst_ratio(case, name, formula(Float64(case)).astype(TYPES[dtype]), Dialect()) >= 4


@pytest.mark.parametrize("fault", ["mean a constant", "statistics constant", "tangent of the shift dropped"])
def test_gross_faults_of_tangents_exceed_the_bounds_of_bfloat16(fault):
    case, (name, formula) = telling_second("bfloat16", m=3, kappa=0.5), WRONG[fault]
    assert worst_ratio(case, name, formula(Float64(case)).astype(TYPES["bfloat16"]), Dialect()) >= 4


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_inference_shows_the_batch_statistics(name, dtype):
    case, batch = telling_second(dtype, "infer"), telling_second(dtype)
    assert worst_ratio(case, name, getattr(reference, name)(batch), Dialect()) >= 4


@pytest.mark.parametrize("mode", ["train", "infer"])
@pytest.mark.parametrize("name", NAMES)
def test_ordinary_data_are_claimed_and_bounded_in_float16_too(name, mode):
    for dtype in ("float32", "float64"):
        assert getattr(bounds, name)(telling_second(dtype, mode), Dialect()).claims.all()
    short = getattr(bounds, name)(telling_second("float16", mode), Dialect())
    assert np.isfinite(short.allowance).all()


def test_a_one_pass_variance_that_may_be_clamped_leaves_no_claim_on_second_gradients():
    case = telling_second("float32", kappa=3e4, eps=1e-5)
    for name in ("grad_x", "grad_gamma", "grad_dy"):
        assert np.isinf(getattr(bounds, name)(case, Dialect(variance="one-pass")).allowance).all()


def test_16_bits_are_judged_as_if_all_were_computed_in_them():
    case = telling_second("bfloat16")
    wide = Dialect(stats_dtype="float32", params_dtype="float32")
    narrow = Dialect(params_dtype="float32")
    for name in NAMES:
        assert (getattr(bounds, name)(case, wide).allowance == getattr(bounds, name)(case, narrow).allowance).all()


@pytest.mark.parametrize("name", NAMES)
def test_what_may_overflow_on_its_way_is_not_claimed(name):
    case = telling_second("float32")
    huge = extended(case, dot_x=case.dot_x * np.float32(1e37), bar_dx=case.bar_dx * np.float32(1e37))
    assert np.isinf(getattr(bounds, name)(huge, Dialect()).allowance).all()
