"""The bounds see wrong formulas: each exceeds its allowance at least fourfold on a case made to tell."""

import numpy as np
import pytest
from worlds.channel_regimes import ARITHMETIC, TYPES, telling_case
from worlds.ratios import worst_ratio

from bnconform import Dialect
from bnconform.oracle import reference
from bnconform.oracle.bounds.formats import effective


class Float64:
    """The exact quantities of a Case, for writing wrong formulas with."""

    def __init__(self, case):
        self.x, self.g = case.x.astype(float), case.dy.astype(float)
        self.gamma, self.beta = case.gamma.astype(float), case.beta.astype(float)
        self.running_mean, self.running_var = case.running_mean.astype(float), case.running_var.astype(float)
        self.m, self.eps, self.momentum = case.rows, case.eps, case.momentum
        self.mean, self.var = self.x.mean(0), self.x.var(0)
        if case.mode == "infer":
            self.mean, self.var = self.running_mean, self.running_var
        self.r = 1 / np.sqrt(self.var + self.eps)
        self.h = (self.x - self.mean) * self.r
        self.c = (self.g * self.h).mean(0)

    def y(self, r):
        return self.gamma * (self.x - self.mean) * r + self.beta

    def dx(self, projected):
        return self.gamma * self.r * projected


WRONG = {
    "unbiased variance in y": ("y", lambda e: e.y(1 / np.sqrt(e.var * e.m / (e.m - 1) + e.eps))),
    "epsilon outside the root": ("y", lambda e: e.y(1 / (np.sqrt(e.var) + e.eps))),
    "no epsilon": ("y", lambda e: e.y(1 / np.sqrt(e.var))),
    "no centring": ("y", lambda e: e.gamma * e.x * e.r + e.beta),
    "no shift": ("y", lambda e: e.gamma * e.h),
    "shift before scale": ("y", lambda e: e.gamma * (e.h + e.beta)),
    "momentum swapped in the mean": (
        "running_mean",
        lambda e: e.momentum * e.running_mean + (1 - e.momentum) * e.mean,
    ),
    "momentum swapped in the variance": (
        "running_var",
        lambda e: e.momentum * e.running_var + (1 - e.momentum) * e.var * e.m / (e.m - 1),
    ),
    "biased running variance": ("running_var", lambda e: (1 - e.momentum) * e.running_var + e.momentum * e.var),
    "gradient stopped at both statistics": ("dx", lambda e: e.dx(e.g)),
    "gradient stopped at the variance": ("dx", lambda e: e.dx(e.g - e.g.mean(0))),
    "gradient stopped at the mean": ("dx", lambda e: e.dx(e.g - e.h * e.c)),
    "m - 1 in the gradient": ("dx", lambda e: e.dx(e.g - e.g.mean(0) - e.h * e.c * e.m / (e.m - 1))),
    "dgamma without centring": ("dgamma", lambda e: (e.g * e.x * e.r).sum(0)),
    "dgamma as a mean": ("dgamma", lambda e: e.c),
    "dbeta as a mean": ("dbeta", lambda e: e.g.mean(0)),
}
FINE = {
    "epsilon × 1.001 in dgamma": ("dgamma", lambda e: (e.g * (e.x - e.mean)).sum(0) / np.sqrt(e.var + e.eps * 1.001)),
    "momentum × 1.001": (
        "running_mean",
        lambda e: (1 - e.momentum * 1.001) * e.running_mean + e.momentum * 1.001 * e.mean,
    ),
}
VISIBLE = {**WRONG, "epsilon × 1.001 in y": ("y", lambda e: e.y(1 / np.sqrt(e.var + e.eps * 1.001)))} | FINE


FEW_BITS = [
    "no epsilon",
    "no centring",
    "no shift",
    "shift before scale",
    "momentum swapped in the mean",
    "momentum swapped in the variance",
    "gradient stopped at both statistics",
    "gradient stopped at the mean",
    "dgamma without centring",
    "dgamma as a mean",
    "dbeta as a mean",
]


def power(case, wrong, dialect):
    """Returns how far the wrong formula's result, rounded to the output's type, exceeds the bound."""
    name, formula = wrong
    types = effective(case.dtype, dialect)
    dtype = types.output if name in ("y", "dx") else types.params
    return worst_ratio(case, name, formula(Float64(case)).astype(TYPES[dtype.name]), dialect)


@pytest.mark.parametrize("arithmetic", ["float32", "float64"])
@pytest.mark.parametrize("fault", VISIBLE)
def test_wrong_formulas_exceed_the_bounds(arithmetic, fault):
    dtype, _, declared = ARITHMETIC[arithmetic]
    assert power(telling_case(dtype), VISIBLE[fault], Dialect(**declared)) >= 4


@pytest.mark.parametrize("arithmetic", ["float16 by float32", "bfloat16 by float32"])
@pytest.mark.parametrize("fault", WRONG | FINE)
def test_wrong_formulas_exceed_the_bounds_of_16_bit_types_with_wide_sums(arithmetic, fault):
    dtype, _, declared = ARITHMETIC[arithmetic]
    assert power(telling_case(dtype), VISIBLE[fault], Dialect(**declared)) >= 4


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_inference_shows_a_wrong_epsilon_and_the_batch_statistics(dtype):
    case = telling_case(dtype, mode="infer")
    batch = telling_case(dtype)
    assert power(case, VISIBLE["epsilon × 1.001 in y"], Dialect()) >= 4
    assert worst_ratio(case, "y", reference.y(batch), Dialect()) >= 4
    assert worst_ratio(case, "dx", reference.dx(batch), Dialect()) >= 4
    assert worst_ratio(case, "dgamma", reference.dgamma(batch), Dialect()) >= 4


@pytest.mark.parametrize("fault", WRONG)
def test_pure_float16_shows_every_wrong_formula_in_few_rows(fault):
    assert power(telling_case("float16", m=3, kappa=0.5), WRONG[fault], Dialect()) >= 4


@pytest.mark.parametrize("fault", FEW_BITS)
def test_pure_bfloat16_shows_gross_faults_in_few_rows(fault):
    assert power(telling_case("bfloat16", m=3, kappa=0.5), WRONG[fault], Dialect()) >= 4


def test_one_pass_still_shows_wrong_formulas_where_the_mean_is_small():
    case = telling_case("float32")
    for name, fault in VISIBLE.items():
        assert power(case, fault, Dialect(variance="one-pass")) >= 4, name
