"""Each variant is what its sentence says, made once per case, without a cotangent."""

from __future__ import annotations

import gc
import weakref
from collections.abc import Callable

import numpy as np
import pytest
from worlds.drawing import DTYPES

from bnconform import Case
from bnconform.cases.shapes import Layout
from bnconform.cases.strategies import Traits, cases, fill
from bnconform.contract.axes import to_rows
from bnconform.oracle import reference
from bnconform.relations import followups

MAKERS = [
    followups.unscaled,
    followups.restoring,
    followups.shifted,
    followups.doubled,
    followups.reordered,
    followups.repeated,
    followups.among_others,
]
KEEPS_X = (followups.unscaled, followups.restoring)
LAYOUTS = [Layout((6,), 16, 1), Layout((3, 2, 5), 17, 1), Layout((3, 2, 5), 16, -1)]
ANY_LAYOUT = pytest.mark.parametrize("layout", LAYOUTS, ids=lambda one: f"{one.shape}")
ANY_VARIANT = pytest.mark.parametrize("make", MAKERS, ids=lambda one: one.__name__)


def drawn(layout: Layout = LAYOUTS[1], dtype: str = "float64", mode: str = "train") -> Case:
    given = cases(mode=mode)  # type: ignore[arg-type]
    return fill(given, Traits(dtype), layout=layout, eps=1e-3, momentum=0.1, absent=(), seed=4)


@ANY_VARIANT
def test_a_variant_is_made_once_per_case_and_carries_no_cotangent(make: Callable[[Case], Case]) -> None:
    case, twin = drawn(), drawn()
    assert case.dy is not None
    assert make(case) is make(case)
    assert make(case) is not make(twin)
    assert make(case).dy is None
    assert (make(case).mode, make(case).axis, make(case).momentum) == (case.mode, case.axis, case.momentum)


@ANY_VARIANT
def test_a_variant_is_forgotten_with_its_case(make: Callable[[Case], Case]) -> None:
    case = drawn()
    known = weakref.ref(case)
    make(case)
    del case
    gc.collect()
    assert known() is None


@ANY_VARIANT
@pytest.mark.parametrize("dtype", DTYPES)
def test_a_variant_has_the_dtype_of_its_case_and_is_finite(make: Callable[[Case], Case], dtype: str) -> None:
    made = make(drawn(dtype=dtype))
    held = [array for array in vars(made).values() if isinstance(array, np.ndarray)]
    assert {array.dtype.name for array in held} == {dtype}
    assert all(np.isfinite(array.astype(np.float64)).all() for array in held)


@ANY_VARIANT
def test_only_what_is_said_changes(make: Callable[[Case], Case]) -> None:
    case = drawn()
    made = make(case)
    assert np.array_equal(made.x, case.x) == (make in KEEPS_X)
    for name in ("gamma", "beta"):
        assert np.array_equal(getattr(made, name), getattr(case, name)) == (make not in KEEPS_X)
    assert (made.eps == case.eps) == (make is not followups.doubled)
    assert made.shuffled == (make is not followups.repeated)


@ANY_LAYOUT
def test_the_unscaled_case_shows_the_normalized_values(layout: Layout) -> None:
    case = drawn(layout)
    assert np.array_equal(reference.y(followups.unscaled(case)), reference.normalized(case))


@ANY_LAYOUT
def test_the_restoring_case_gives_back_its_input(layout: Layout) -> None:
    case = drawn(layout)
    assert reference.y(followups.restoring(case)) == pytest.approx(case.x, rel=1e-12, abs=1e-12)


@ANY_LAYOUT
def test_the_shifted_case_lies_three_quarters_of_the_largest_magnitude_higher(layout: Layout) -> None:
    case = drawn(layout)
    x, shifted = to_rows(case.x, case.axis), to_rows(followups.shifted(case).x, case.axis)
    largest = np.abs(x).max(axis=0)
    assert np.all(np.abs(shifted - x - 0.75 * largest) <= 1e-15 * 2 * largest)
    changed = reference.y(followups.shifted(case))
    assert changed == pytest.approx(reference.y(case), rel=1e-9, abs=1e-9)


@ANY_LAYOUT
def test_the_doubled_case_has_the_same_output(layout: Layout) -> None:
    case = drawn(layout)
    doubled = followups.doubled(case)
    assert np.array_equal(doubled.x, 2 * case.x)
    assert doubled.eps == 4 * case.eps
    assert reference.y(doubled) == pytest.approx(reference.y(case), rel=1e-13, abs=1e-13)


@ANY_LAYOUT
def test_the_reordered_case_has_every_channel_backwards(layout: Layout) -> None:
    case = drawn(layout)
    turned = followups.reordered(case)
    assert np.array_equal(to_rows(turned.x, case.axis), to_rows(case.x, case.axis)[::-1])
    expected = followups.reorder(reference.y(case), case.axis)
    assert reference.y(turned) == pytest.approx(expected, rel=1e-13, abs=1e-13)
    assert np.array_equal(followups.reorder(turned.x, case.axis), case.x)


@ANY_LAYOUT
def test_the_repeated_case_holds_the_batch_twice(layout: Layout) -> None:
    case = drawn(layout)
    twice, once = followups.repeated(case), reference.y(case)
    assert np.array_equal(twice.x, np.concatenate([case.x, case.x]))
    assert reference.y(twice) == pytest.approx(np.concatenate([once, once]), rel=1e-13, abs=1e-13)


@ANY_LAYOUT
def test_among_others_the_first_example_stays(layout: Layout) -> None:
    case = drawn(layout, mode="infer")
    other = followups.among_others(case)
    assert np.array_equal(other.x[0], case.x[0])
    assert np.array_equal(other.x[1:], -case.x[1:])
    assert np.array_equal(reference.y(other)[0], reference.y(case)[0])
    assert not np.array_equal(reference.y(other)[1:], reference.y(case)[1:])
