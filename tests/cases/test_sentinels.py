"""Cases of real sizes: zeros but for sentinels, which stand where kernels err."""

from __future__ import annotations

import numpy as np
import pytest

from bnconform.cases.sentinels import COMPILED, KINDS, SIZES, sentinels, size_kinds
from bnconform.cases.shapes import Layout
from bnconform.cases.strategies import Given, Traits
from bnconform.contract.axes import to_rows
from bnconform.contract.case import PER_CHANNEL

LAYOUT = Layout((3, 57, 55), 65, 1)


def rows_of(case):
    return to_rows(case.x, case.axis).astype(np.float64), to_rows(case.dy, case.axis).astype(np.float64)


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float32", "float64"])
def test_each_channel_sums_to_nothing_and_is_mostly_zero(dtype):
    case = sentinels(dtype, "train", layout=LAYOUT, settings=(1e-3, 0.1), seed=1)
    x, dy = rows_of(case)
    assert not x.sum(axis=0).any()
    assert ((x != 0).sum(axis=0) == 16).all()
    assert ((dy != 0).sum(axis=0) >= 8).all()
    assert ((dy != 0).sum(axis=0) <= 12).all()
    assert ((x != 0) & (dy != 0)).any(axis=0).all()


def test_every_row_at_which_kernels_change_has_a_sentinel_in_some_channel():
    case = sentinels("float32", "train", layout=LAYOUT, settings=(1e-3, 0.1), seed=1)
    marked = (rows_of(case)[0] != 0).any(axis=1)
    m = case.rows
    for row in (0, 1, m - 1, m - 2, 54, 55, 57 * 55 - 1, 57 * 55, 255, 256, 4095, 4096, m // 2, m - 1024, m // 4):
        assert marked[row], row


def test_the_same_seed_gives_the_same_case():
    one, same, other = (sentinels("float32", "infer", layout=LAYOUT, settings=(1e-3, 0.1), seed=s) for s in (1, 1, 2))
    assert np.array_equal(one.x, same.x)
    assert np.array_equal(one.dy, same.dy)
    assert not np.array_equal(one.x, other.x)


@pytest.mark.parametrize("ranks", [(2,), (4,), (2, 3, 4, 5)])
@pytest.mark.parametrize("compiled", [False, True])
def test_a_search_tries_a_layout_of_each_kind_and_none_twice(ranks, compiled):
    given = Given(mode="train", channels="sentinels", examples=6)
    kinds = size_kinds(ranks, compiled)
    cases = given.opening(Traits(dtype="float32", ranks=ranks, compiled=compiled), 5)
    shapes = [case.x.shape for case in cases]
    assert len(set(shapes)) == len(shapes)
    assert {len(shape) for shape in shapes} <= set(ranks)
    assert all(any(one.shape in shapes for one in layouts) for layouts in kinds.values())


def test_layouts_go_beyond_what_sixteen_bits_count():
    for table in (SIZES, COMPILED):
        every = [one for layouts in table.values() for one in layouts]
        assert any(one.rows > 2**16 for one in every)
        assert any(one.channels > 2**16 for one in every)
    assert any(one.extents[0] > 2**16 and len(one.extents) > 1 for one in SIZES["many images"])


def test_no_channel_is_like_one_that_an_index_wrong_by_powers_of_two_would_name():
    powers = [2**k for k in range(18)]
    assert not [(a, b) for a in powers for b in powers if (a + b) % KINDS == 0 or (a != b and (a - b) % KINDS == 0)]
    assert all(count % KINDS for layouts in SIZES.values() for one in layouts for count in one.shape)


@pytest.mark.parametrize("axis", [1, -1])
def test_channels_beyond_the_kinds_are_as_the_first_ones_in_turn(axis):
    case = sentinels("float32", "train", layout=Layout((9, 5), 700, axis), settings=(1e-3, 0.1), seed=1)
    for one in (*rows_of(case), *(getattr(case, name)[None] for name in PER_CHANNEL)):
        assert np.array_equal(one, one[:, np.arange(700) % KINDS])
    assert len(np.unique(rows_of(case)[0], axis=1).T) > 0.9 * KINDS
