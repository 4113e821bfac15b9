"""Masked cases hide values by their place, and come with the same case without the hidden rows."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from worlds.reference_cases import make

from bnconform import Case
from bnconform.contract.axes import to_rows
from bnconform.oracle.bounds import Bound
from bnconform.relations import masks
from bnconform.relations.masks import Masked

KINDS = pytest.mark.parametrize("hiding", [masks.hiding_values, masks.hiding_examples, masks.hiding_nothing])


def sequence(axis: int = 1) -> Case:
    rng = np.random.default_rng(0)
    shape = (4, 2, 5) if axis == 1 else (4, 5, 2)
    return make(0, 4, x=rng.standard_normal(shape), dy=rng.standard_normal(shape), axis=axis)


@KINDS
@pytest.mark.parametrize("axis", [1, 2])
def test_the_kept_case_holds_the_shown_rows_in_their_order(hiding: Callable[[Case], Masked], axis: int) -> None:
    case = sequence(axis)
    found = hiding(case)
    shown = to_rows(found.tensor, axis)
    assert (shown == shown[:, :1]).all(), "one mask for all channels"
    assert np.array_equal(found.kept.x, to_rows(case.x, axis)[found.shown])
    assert found.kept.mask is None
    assert np.array_equal(found.spread(found.kept.x), np.where(found.tensor, case.x, 0.0))


@KINDS
def test_hidden_values_have_no_cotangent(hiding: Callable[[Case], Masked]) -> None:
    found = hiding(sequence())
    assert found.case.dy is not None
    assert not found.case.dy[~found.tensor].any()
    assert found.case.dy[found.tensor].all()


def test_every_third_value_or_every_other_example_is_hidden() -> None:
    case = sequence()
    assert to_rows(masks.hiding_values(case).tensor, 1)[:, 0].tolist() == [i % 3 != 2 for i in range(20)]
    assert masks.hiding_examples(case).tensor[:, 0, 0].tolist() == [True, False, True, False]
    assert masks.hiding_values(case).hides
    assert not masks.hiding_nothing(case).hides
    assert not masks.hiding_everything(case).mask.any()


def test_a_hidden_nan_stands_where_the_mask_hides_and_nowhere_else() -> None:
    case = sequence()
    assert np.array_equal(np.isnan(masks.with_nan_hidden(case).x), ~masks.hiding_values(case).tensor)


def test_a_bound_claims_nothing_where_the_mask_hides() -> None:
    found = masks.hiding_values(sequence())
    spread = found.spread_bound(Bound(np.full(found.kept.x.shape, 0.5), np.ones(found.kept.x.shape)))
    assert np.array_equal(np.isfinite(spread.allowance), found.tensor)
    assert set(spread.allowance[found.tensor]) == {0.5}


def test_a_masked_case_is_made_once() -> None:
    case = sequence()
    assert masks.hiding_values(case) is masks.hiding_values(case)
