"""A tensor becomes a matrix with a column per channel and comes back, wherever its channels stand."""

from __future__ import annotations

import numpy as np
import pytest

from bnconform.contract.axes import along, from_rows, to_rows

SHAPE = (2, 3, 4, 5)
AXES = [0, 1, 2, 3, -1, -2, -4]


def tensor() -> np.ndarray:
    return np.arange(np.prod(SHAPE)).reshape(SHAPE)


@pytest.mark.parametrize("axis", AXES)
def test_a_column_holds_the_values_of_a_channel_in_the_order_of_the_tensor(axis: int) -> None:
    rows = to_rows(tensor(), axis)
    assert rows.shape == (np.prod(SHAPE) // SHAPE[axis], SHAPE[axis])
    for channel in range(SHAPE[axis]):
        assert np.array_equal(rows[:, channel], np.take(tensor(), channel, axis=axis).ravel())


@pytest.mark.parametrize("axis", AXES)
def test_rows_come_back_as_the_tensor(axis: int) -> None:
    assert np.array_equal(from_rows(to_rows(tensor(), axis), SHAPE, axis), tensor())


@pytest.mark.parametrize("axis", AXES)
def test_a_vector_lies_along_its_axis(axis: int) -> None:
    vector = np.arange(SHAPE[axis])
    whole = np.broadcast_to(along(vector, len(SHAPE), axis), SHAPE)
    assert np.array_equal(np.moveaxis(whole, axis, -1)[0, 1, 2], vector)
    assert np.array_equal(to_rows(whole, axis)[1], vector)
