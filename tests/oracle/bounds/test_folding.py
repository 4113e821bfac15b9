"""The bounds of a folded layer hold in arbitrary precision, and no more than a few times what correct code errs by."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from flint import arb, ctx
from worlds.drawing import DTYPES, draw

from bnconform import Case, Dialect
from bnconform.cases.strategies import Traits, cases
from bnconform.contract.axes import to_rows
from bnconform.contract.dtypes import dtype_named
from bnconform.oracle import bounds, reference

LAYERS = cases(mode="infer", gradients=False, derivatives="fold")


def exact(case: Case, channel: int) -> tuple[arb, arb]:
    """Returns a and b' = (b - E[x])·a + β of a channel, from definitions."""
    ctx.prec = 200
    gamma, beta, mean, variance, bias = (
        arb(float(array[channel])) for array in (case.gamma, case.beta, case.running_mean, case.running_var, case.bias)
    )
    slope = gamma / (variance + arb(float(case.eps))).sqrt()
    return slope, (bias - mean) * slope + beta


@pytest.mark.parametrize("dtype", DTYPES)
def test_the_reference_is_the_equation_in_arbitrary_precision(dtype: str) -> None:
    for case in draw(LAYERS.strategy(Traits(dtype)), 12):
        weight, bias = reference.folded_weight(case), reference.folded_bias(case)
        within = bounds.folded_weight(case, Dialect()), bounds.folded_bias(case, Dialect())
        rows = [to_rows(array, case.axis) for array in (weight, case.x, within[0].allowance)]
        for channel in range(case.channels):
            slope, due = exact(case, channel)
            near(bias[channel], due, within[1].allowance[channel])
            for got, w, allowance in zip(*(array[:, channel] for array in rows), strict=True):
                near(got, slope * arb(float(w)), allowance)


def near(got: float, due: arb, allowance: float) -> None:
    """The reference is to be off by less than a hundredth of the bound, or by the rounding of a float64."""
    error = abs(float(arb(float(got)) - due))
    assert error <= max(0.01 * allowance, 2.0**-52 * abs(float(due))), (got, float(due))


def stepwise(case: Case, root_error: float) -> tuple[Any, Any]:
    """Folds in the case's own type by a reciprocal root that is wrong by so many units in its last place."""
    one, w = dtype_named(case.dtype).type, to_rows(case.x, case.axis)
    r = one(1) / np.sqrt(case.running_var + one(case.eps))
    with np.errstate(all="ignore"):
        for _ in range(int(root_error)):
            r = np.nextafter(r, one(np.inf))
        slope = case.gamma * r
        return w * slope, (case.bias * slope - case.running_mean * slope) + case.beta


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
def test_a_root_wrong_by_the_units_that_are_allowed_is_admitted_and_by_many_more_is_not(dtype: str) -> None:
    worst = {0: 0.0, 2: 0.0, 40: 0.0}
    for case in draw(LAYERS.strategy(Traits(dtype)), 40):
        within = bounds.folded_weight(case, Dialect()), bounds.folded_bias(case, Dialect())
        due = reference.folded_weight(case), reference.folded_bias(case)
        for units in worst:
            for got, value, bound, is_weight in zip(stepwise(case, units), due, within, (True, False), strict=True):
                right, allowed = (to_rows(a, case.axis) if is_weight else a for a in (value, bound.allowance))
                worst[units] = max(worst[units], float(np.max(np.abs(got.astype(np.float64) - right) / allowed)))
    assert worst[0] < worst[2] < 1 < 2 < worst[40]
    assert worst[0] > 0.15  # correct code comes within seven times of the bound


def test_nothing_is_claimed_where_the_way_overflows() -> None:
    (case,) = draw(LAYERS.strategy(Traits("float16")), 1)
    huge = np.full(case.channels, 6e4, np.float16)
    blown = Case(
        mode="infer", x=case.x, gamma=huge, beta=case.beta, running_mean=case.running_mean, running_var=0 * huge,
        eps=1e-5, momentum=0.1, axis=case.axis, layer=case.layer, groups=case.groups, bias=huge,
    )  # fmt: skip
    assert not np.isfinite(bounds.folded_weight(blown, Dialect()).allowance).any()
    assert not np.isfinite(bounds.folded_bias(blown, Dialect()).allowance).any()
