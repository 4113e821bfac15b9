"""Each word of MEMORY lays out the arrays that it speaks of, where it says, and the others as they were."""

from __future__ import annotations

from typing import Any

import ml_dtypes
import numpy as np
import pytest
from worlds.scripts import make_case

from bnconform.contract.case import Case, Memory
from bnconform.contract.memory import arranged, laid_out

PLAIN = (96, 32, 16, 4)  # of float32 in the shape (1, 3, 2, 4)


def laid(memory: Memory, **more: Any) -> Case:
    return laid_out(make_case(shape=(1, 3, 2, 4), memory=memory, **more))


def strides(array: np.ndarray | None) -> tuple[int, ...]:
    assert array is not None
    return array.strides


def base(array: np.ndarray | None) -> np.ndarray:
    assert array is not None
    assert isinstance(array.base, np.ndarray)
    return array.base


@pytest.mark.parametrize(
    ("memory", "x", "dy"),
    [
        ("flipped", (-96, 32, 16, 4), (-96, 32, 16, 4)),
        ("cropped", (480, 96, 24, 4), (480, 96, 24, 4)),
        ("channels_last", (4, 4, 48, 12), (4, 4, 48, 12)),  # of extent 1: any stride, here that of an element
        ("channels_first", (4, 32, 16, 4), (4, 32, 16, 4)),
        ("x_reversed", (4, 4, 12, 24), PLAIN),
        ("dy_reversed", PLAIN, (4, 4, 12, 24)),
        ("dy_cropped", PLAIN, (480, 96, 24, 4)),
        ("dy_channels_last", PLAIN, (4, 4, 48, 12)),
        ("dy_broadcast", PLAIN, (0, 32, 16, 4)),
        ("columns", PLAIN, PLAIN),
        ("packed", PLAIN, PLAIN),
    ],
)
def test_x_and_dy_lie_as_the_word_says(memory: Memory, x: tuple[int, ...], dy: tuple[int, ...]) -> None:
    case = laid(memory)
    assert (strides(case.x), strides(case.dy)) == (x, dy)
    assert strides(case.gamma) == {"columns": (20,), "flipped": (-4,)}.get(memory, (4,))


def test_channels_on_the_last_axis_lie_first_where_asked() -> None:
    case = laid_out(make_case(shape=(2, 3, 4, 5), axis=-1, memory="dy_channels_first"))
    assert strides(case.dy) == (240, 16, 4, 48)
    assert strides(case.x) == (240, 80, 20, 4)


@pytest.mark.parametrize(
    ("dy", "expected"),
    [
        (np.full((1, 3, 2, 4), 2.5, np.float32), (0, 0, 0, 0)),
        (np.arange(3, dtype=np.float32).reshape(1, 3, 1, 1) + np.zeros((1, 3, 2, 4), np.float32), (0, 4, 0, 0)),
        (np.arange(8, dtype=np.float32).reshape(1, 1, 2, 4) + np.zeros((1, 3, 2, 4), np.float32), (0, 0, 16, 4)),
        (np.full((1, 3, 2, 4), np.nan, np.float32), (0, 0, 0, 0)),
    ],
)
def test_equal_values_have_one_place(dy: np.ndarray, expected: tuple[int, ...]) -> None:
    found = laid("dy_broadcast", dy=dy).dy
    assert strides(found) == expected
    assert base(found).size == max(1, np.unique(dy).size)


def test_zeros_of_both_signs_are_not_equal() -> None:
    dy = np.zeros((1, 3, 2, 4), np.float32)
    dy[0, 1, 1, 3] = -0.0
    assert np.signbit(laid("dy_broadcast", dy=dy).dy).sum() == 1  # type: ignore[arg-type]


def test_columns_are_of_one_matrix_and_packed_arrays_of_one_buffer() -> None:
    columns, packed = laid("columns"), laid("packed")
    vectors = [columns.gamma, columns.beta, columns.running_mean, columns.running_var]
    assert len({id(base(vector)) for vector in vectors}) == 1
    assert np.isnan(base(columns.gamma)[:, -1]).all()
    assert not np.shares_memory(columns.gamma, columns.beta)  # type: ignore[arg-type]
    assert base(packed.x) is base(packed.dy) is base(packed.running_var)
    assert np.isnan(base(packed.x)).sum() == 6
    assert np.isnan(base(packed.x)[0])


def test_arrays_of_two_types_have_a_buffer_each() -> None:
    case = make_case(ml_dtypes.bfloat16, memory="packed")
    found = laid_out(case)
    assert base(found.x).dtype == ml_dtypes.bfloat16
    assert base(found.gamma).dtype == np.float32


def test_dy_overlaps_x_where_it_has_its_values_and_never_else() -> None:
    x = np.arange(24, dtype=np.float32).reshape(1, 3, 2, 4)
    behind = laid("overlapping", x=x, dy=x + 1)
    assert behind.dy is not None
    assert behind.dy.ctypes.data == behind.x.ctypes.data + 4
    assert np.array_equal(behind.dy, x + 1)
    other = laid("overlapping", x=x, dy=x + 2)
    assert not np.shares_memory(other.x, other.dy)  # type: ignore[arg-type]


def test_vectors_of_tangents_have_no_channels_to_move() -> None:
    one = np.ones(3, np.float32)
    case = laid("channels_last", dot_gamma=one, mask=np.ones((1, 3, 1, 1), bool))
    assert (strides(case.dot_gamma), strides(case.x)) == ((4,), (4, 4, 48, 12))


def test_what_is_absent_stays_absent() -> None:
    assert arranged({"gamma": None, "beta": np.ones(2)}, "columns", 1)["gamma"] is None
