"""Layouts say where values stand; those to draw from have every rank, both axes and mostly few rows."""

from __future__ import annotations

import pytest

from bnconform.cases.shapes import CHANNELS, EAGER, POOL, SINGLE, Layout


@pytest.mark.parametrize(
    ("layout", "shape", "rows"),
    [
        (Layout((4,), 16, 1), (4, 16), 4),
        (Layout((2, 3, 5), 16, 1), (2, 16, 3, 5), 30),
        (Layout((2, 3, 5), 16, -1), (2, 3, 5, 16), 30),
    ],
)
def test_the_channels_stand_on_their_axis(layout: Layout, shape: tuple[int, ...], rows: int) -> None:
    assert (layout.shape, layout.rows) == (shape, rows)
    assert layout.shape[layout.axis] == layout.channels


@pytest.mark.parametrize("table", [EAGER, POOL, SINGLE])
def test_a_layout_of_a_rank_has_that_rank(table: dict[int, list[Layout]]) -> None:
    assert set(table) == {2, 3, 4, 5}
    assert all(len(one.shape) == rank for rank, layouts in table.items() for one in layouts)


@pytest.mark.parametrize("rank", EAGER)
def test_both_axes_and_every_number_of_channels_are_tried(rank: int) -> None:
    found = {(one.axis, one.channels) for one in EAGER[rank]}
    assert found == {(axis, channels) for axis in (1, -1) for channels in CHANNELS}


@pytest.mark.parametrize("rank", EAGER)
def test_mostly_there_are_few_values_per_channel_and_never_a_single_one(rank: int) -> None:
    rows = [one.rows for one in EAGER[rank]]
    assert sum(m <= 24 for m in rows) > 0.8 * len(rows)
    assert min(rows) >= 2
    assert max(rows) > 100


def test_single_values_are_single() -> None:
    assert {one.rows for layouts in SINGLE.values() for one in layouts} == {1}
