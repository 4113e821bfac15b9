"""The distinct rows of a large case: the same values as of all rows, and bounds that hold for every order of sums."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from worlds.exact_normalization import channel, outputs

from bnconform.analysis.faults import LOSSES, RIGHT, VARIANTS, perform
from bnconform.analysis.faults.adapter import DIALECT
from bnconform.cases.sentinels import sentinels
from bnconform.cases.shapes import Layout
from bnconform.contract.axes import to_rows
from bnconform.contract.dialect import Dialect
from bnconform.oracle import distinct, expected
from bnconform.oracle.distinct import kinds, rows
from bnconform.oracle.distinct.kinds import kinds as kinds_of

NAMES = ("y", "dx", "dgamma", "dbeta", "running_mean", "running_var")
SMALL = (Layout((515,), 17, 1), Layout((3, 9, 11), 16, 1), Layout((70, 5), 6, -1))
MANY = (Layout((23,), 515, 1), Layout((8, 3), 502, -1), Layout((11, 1, 3), 753, 1))
DOCUMENTED = Dialect()


def case_of(layout, dtype="float32", mode="train", seed=3):
    return sentinels(dtype, mode, layout=layout, settings=(1e-3, 0.1), seed=seed)


def whole(case, name, rows):
    return distinct.whole(case, rows) if name in ("y", "dx") else rows


@pytest.mark.parametrize("mode", ["train", "infer"])
@pytest.mark.parametrize("dtype", ["bfloat16", "float32", "float64"])
@pytest.mark.parametrize("layout", SMALL, ids=str)
def test_the_values_are_those_of_the_whole_case(layout, dtype, mode):
    case = case_of(layout, dtype, mode)
    for name in NAMES if mode == "train" else NAMES[:4]:
        value, _ = distinct.expected_by_rows(case, DOCUMENTED, name)
        right, _ = expected.expected(case, DOCUMENTED, name)
        np.testing.assert_allclose(whole(case, name, value), right, rtol=1e-15, atol=0)


def test_the_values_are_those_of_arbitrary_precision():
    case = case_of(Layout((600,), 2, 1))
    for index in range(2):
        exact = outputs(channel(case, index), "train")
        for name in NAMES:
            value = whole(case, name, distinct.expected_by_rows(case, DOCUMENTED, name)[0])
            mine = to_rows(value, case.axis)[:, index] if name in ("y", "dx") else value[index : index + 1]
            want = [float(one) for one in exact[name][0]]
            np.testing.assert_allclose(mine, want, rtol=1e-13, atol=1e-15 * np.abs(want).max())


@pytest.mark.parametrize("variant", VARIANTS, ids=lambda one: one.name)
@pytest.mark.parametrize("dtype", ["float32", "float64", "bfloat16"])
def test_no_order_of_summation_leaves_the_bound(dtype, variant):
    case = case_of(Layout((4099,), 5, 1), dtype)
    outcome = perform(variant, case)
    for name in NAMES:
        value, bound = distinct.expected_by_rows(case, DIALECT, name)
        error = np.abs(getattr(outcome, name).astype(np.float64) - whole(case, name, value))
        assert (error <= whole(case, name, bound.allowance)).all(), name
        assert bound.claims.mean() > 0.5, name


def test_the_bound_of_many_rows_is_far_below_the_ordinary_one():
    case = case_of(Layout((65_539,), 3, 1))
    for name, times in (("y", 1.1), ("dx", 0.5), ("dgamma", 0.5), ("dbeta", 0.01)):
        sharp = whole(case, name, distinct.expected_by_rows(case, DOCUMENTED, name)[1].allowance)
        assert np.median(sharp) < times * np.median(expected.bound_of(case, DOCUMENTED, name).allowance), name


@pytest.mark.parametrize("loss", LOSSES[:9], ids=lambda one: one.name)
def test_a_loss_of_a_sum_is_further_than_the_bound(loss):
    case = case_of(Layout((65_539,), 20, 1))
    value, bound = distinct.expected_by_rows(case, DIALECT, "dgamma")
    assert (np.abs(perform(loss, case).dgamma - value) > bound.allowance).any()
    assert not (np.abs(perform(RIGHT, case).dgamma - value) > bound.allowance).any()


@pytest.mark.parametrize("layout", [Layout((40,), 3, 1), Layout((4, 3, 5), 3, 1), Layout((4, 15), 3, -1)], ids=str)
def test_one_wrong_element_anywhere_is_seen(layout):
    case = case_of(layout)
    value, _ = distinct.expected_by_rows(case, DOCUMENTED, "y")
    right = distinct.whole(case, value)
    for place in range(case.x.size):
        for wrong in (100.0, -100.0, np.nan):
            found = right.copy()
            found.reshape(-1)[place] = wrong
            low, high = distinct.by_rows(case, found)
            with np.errstate(invalid="ignore"):
                assert not (np.abs(low - value) <= 1e-12).all() or not (np.abs(high - value) <= 1e-12).all()
    low, high = distinct.by_rows(case, right)
    assert np.array_equal(low, value)
    assert np.array_equal(high, value)


def test_the_counts_of_the_rows_add_up_to_all_elements():
    case = case_of(SMALL[1])
    assert (distinct.counts(case).sum(axis=0) == case.rows).all()
    for each in (case, *(case_of(layout) for layout in MANY)):
        assert distinct.counts(each).sum() == each.x.size


def test_a_case_without_zeros_is_not_sparse():
    case = case_of(SMALL[0])
    assert distinct.is_sparse(case)
    assert not distinct.is_sparse(type(case)(**{**vars(case), "x": case.x + 1}))


def by_every_channel(case, monkeypatch):
    """Returns a copy of the case of which each channel is taken for a kind of its own."""
    copied = replace(case)
    for module in (rows, kinds):
        monkeypatch.setattr(module, "kinds", lambda one: one.channels if one is copied else kinds_of(one))
    return copied


def farthest(found, value):
    """Returns how far the worst element is from the value, in the order in which an Agreement has them."""
    error = np.abs(found.astype(np.float64) - value)
    return np.where(np.isnan(error), np.inf, error).max()


@pytest.mark.parametrize("mode", ["train", "infer"])
@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float32", "float64"])
@pytest.mark.parametrize("layout", MANY, ids=str)
def test_channels_of_a_kind_have_the_values_and_bounds_that_each_would_have(layout, dtype, mode, monkeypatch):
    case = case_of(layout, dtype, mode)
    other = by_every_channel(case, monkeypatch)
    assert distinct.counts(case).shape[1] == 251
    assert distinct.counts(other).shape[1] == layout.channels
    for name in NAMES if mode == "train" else NAMES[:4]:
        (value, bound), (right, within) = (distinct.expected_by_rows(one, DOCUMENTED, name) for one in (case, other))
        for mine, due in ((value, right), (bound.allowance, within.allowance), (bound.scale, within.scale)):
            assert np.array_equal(whole(case, name, mine), whole(other, name, due)), name


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float32", "float64"])
@pytest.mark.parametrize("layout", [*MANY, *SMALL], ids=str)
def test_the_farthest_values_of_a_kind_are_those_of_all_its_channels(layout, dtype, monkeypatch):
    case = case_of(layout, dtype)
    other, rng = by_every_channel(case, monkeypatch), np.random.default_rng(layout.channels)
    count = distinct.counts(case).shape[1]
    value, _ = distinct.expected_by_rows(case, DOCUMENTED, "y")
    right = distinct.whole(case, value).astype(case.x.dtype)
    noise = (right + rng.normal(size=right.shape)).astype(right.dtype)
    few = [right.copy() for _ in range(12)]
    for one in few:
        places = rng.integers(0, right.size, 3)
        one.reshape(-1)[places] = rng.choice([-9.0, 9.0, -0.0, np.inf, np.nan, -np.nan], 3)
    for found in (right, noise, *few):
        (low, high), (least, most) = (distinct.by_rows(one, found) for one in (case, other))
        below, above = low.copy(), high.copy()
        for start in range(0, layout.channels, count):
            width = min(count, layout.channels - start)
            below[:, :width] = np.minimum(below[:, :width], least[:, start : start + width])
            above[:, :width] = np.maximum(above[:, :width], most[:, start : start + width])
        assert np.array_equal(low, below, equal_nan=True)
        assert np.array_equal(high, above, equal_nan=True)
        assert farthest(found, distinct.whole(case, value)) == max(farthest(one, value) for one in (low, high))


@pytest.mark.parametrize("layout", MANY, ids=str)
def test_one_wrong_element_of_any_channel_of_a_kind_is_seen(layout):
    case = case_of(layout)
    value, _ = distinct.expected_by_rows(case, DOCUMENTED, "y")
    right = distinct.whole(case, value)
    for place in [*range(0, right.size, 997), right.size - 1]:
        for wrong in (100.0, -100.0, np.nan):
            found = right.copy()
            found.reshape(-1)[place] = wrong
            low, high = distinct.by_rows(case, found)
            assert not np.array_equal(low, value) or not np.array_equal(high, value)


@pytest.mark.parametrize("name", ["x", "dy", "gamma", "beta", "running_mean", "running_var"])
def test_one_channel_that_is_no_repetition_makes_each_channel_a_kind_of_its_own(name):
    case = case_of(MANY[0])
    array = getattr(case, name).copy()
    array.reshape(-1)[-1] += 1
    assert kinds_of(case) == 251
    assert kinds_of(replace(case, **{name: array})) == case.channels
