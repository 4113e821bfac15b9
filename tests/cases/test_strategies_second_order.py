"""Cases with tangents or second cotangents: what is drawn, in which layouts, and that reduced ones keep them."""

from __future__ import annotations

import numpy as np
import pytest
from worlds.drawing import DTYPES, draw, printed

from bnconform.cases.shapes import Layout
from bnconform.cases.small import small_cases
from bnconform.cases.strategies import Traits, cases, fill
from bnconform.contract.axes import to_rows
from bnconform.contract.case import FEATURES
from bnconform.engine.shrink import reduced

KINDS = ("tangents", "second_order")


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("size", ["full", "small"])
def test_every_case_asks_for_the_feature_with_finite_arrays(kind, dtype, size):
    given, traits = cases(mode="train", derivatives=kind), Traits(dtype)
    for case in draw(given.strategy(traits) if size == "full" else small_cases(given, traits), 30):
        assert case.needs == {kind}
        tensor, gamma, beta = (getattr(case, name) for name in FEATURES[kind])
        assert tensor.dtype == case.x.dtype
        assert (gamma is None, beta is None) == (case.gamma is None, case.beta is None)
        assert all(np.isfinite(a.astype(float)).all() for a in (tensor, gamma, beta) if a is not None)


@pytest.mark.parametrize("kind", KINDS)
def test_what_compiles_gets_one_layout_with_everything_in_it(kind):
    found = draw(cases(mode="train", derivatives=kind).strategy(Traits("float32", compiled=True)), 60)
    assert len({(case.x.shape, case.axis) for case in found}) == 1
    assert all(case.gamma is not None and case.beta is not None for case in found)


def test_the_first_derivatives_of_a_recipe_do_not_depend_on_further_ones():
    recipe = {"layout": Layout((5,), 16, 1), "eps": 1e-3, "momentum": 0.1, "absent": (), "seed": 3}
    plain = fill(cases(mode="train"), Traits("float32"), **recipe)
    for kind in KINDS:
        more = fill(cases(mode="train", derivatives=kind), Traits("float32"), **recipe)
        assert all((getattr(plain, name) == getattr(more, name)).all() for name in ("x", "gamma", "beta", "dy"))


def test_tangents_have_a_mean_and_a_component_along_h():
    recipe = {"layout": Layout((4000,), 16, 1), "eps": 1e-3, "momentum": 0.1, "absent": (), "seed": 0}
    case = fill(cases(mode="train", derivatives="tangents"), Traits("float64"), **recipe)
    t, x = to_rows(case.dot_x, case.axis), to_rows(case.x, case.axis)
    assert (t.mean(0) > 0.1).all()
    assert ((t * (x - x.mean(0))).mean(0) / x.std(0) > 0.02).all()


@pytest.mark.parametrize("kind", KINDS)
def test_a_reduced_case_keeps_the_directions_of_its_channel(kind):
    case = draw(cases(mode="infer", derivatives=kind).strategy(Traits("float32", ranks=(4,))), 1)[0]
    small = reduced(case, 2, [0, 1], None)
    for name in FEATURES[kind]:
        array = getattr(case, name)
        if array is not None:
            want = to_rows(array, case.axis)[:2, 2] if array.ndim == 4 else array[2:3]
            assert (getattr(small, name).ravel() == want).all()
    assert printed(small) != printed(case)
