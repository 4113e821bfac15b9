"""Cases at the edge are what their sentences say, and stay within the range of their dtype."""

from __future__ import annotations

from collections.abc import Callable

import ml_dtypes
import numpy as np
import pytest
from worlds.drawing import DTYPES
from worlds.reference_cases import make

from bnconform import Case
from bnconform.oracle import reference
from bnconform.relations import edges


@pytest.mark.parametrize("dtype", DTYPES)
def test_the_largest_magnitudes_are_finite_and_so_is_the_sum_of_their_squares(dtype: str) -> None:
    case = edges.largest(make(0, 9, dtype=dtype, channels=4))
    x = case.x.astype(np.float64)
    limit = float(ml_dtypes.finfo(case.x.dtype).max)
    peaks = np.abs(x).max(axis=0)
    assert np.isfinite(x).all()
    assert ((x[:, ::2] ** 2).sum(axis=0) < limit).all()
    assert (peaks[::2] ** 2 > limit / 64 / 9 / 8).all()
    if dtype == "float16":
        assert (peaks[1::2] > limit / 32).all()


@pytest.mark.parametrize("dtype", DTYPES)
def test_subnormal_values_are_not_zero(dtype: str) -> None:
    case = edges.subnormal(make(0, 9, dtype=dtype))
    peaks = np.abs(case.x.astype(np.float64)).max(axis=0)
    smallest = float(ml_dtypes.finfo(case.x.dtype).smallest_normal)
    assert (peaks < smallest).all()
    assert (peaks > 0).all()


@pytest.mark.parametrize("dtype", ["bfloat16", "float32", "float64"])
def test_a_shrunk_case_has_the_same_normalized_values(dtype: str) -> None:
    case = make(1, 9, dtype=dtype)
    shrunk = edges.shrunk(case)
    assert float(np.abs(shrunk.x.astype(np.float64)).max()) < 1e-9
    np.testing.assert_allclose(reference.y(shrunk), reference.y(case), rtol=1e-12)


def test_a_negative_epsilon_reverses_the_sign_in_some_channels_only() -> None:
    spread = np.array([0.01, 0.1, 1.0, 1.0, 10.0])
    case = edges.with_negative_epsilon(
        make(0, 9, channels=5, x=spread * np.random.default_rng(0).standard_normal((9, 5)))
    )
    sums = reference.batch_var(case) + case.eps
    assert case.eps < 0
    assert np.log2(-case.eps) == np.round(np.log2(-case.eps))
    assert (sums > 0).tolist() == [False, False, True, True, True]


def test_negative_variances_stand_in_two_channels_of_three() -> None:
    case = make(0, 9, channels=6)
    found = edges.with_negative_variances(case).running_var
    assert found[::3].tolist() == case.running_var[::3].tolist()
    assert found[1::3].tolist() == [-case.eps / 2] * 2
    assert found[2::3].tolist() == [-2 * case.eps] * 2


def test_zeros_stand_in_every_second_channel() -> None:
    case = make(0, 9, channels=4, gamma=None)
    assert edges.with_zero_scales(case).gamma.tolist() == [1, 0, 1, 0]
    variance = edges.with_zero_variances(case).running_var
    assert (variance[::2] == case.running_var[::2]).all()
    assert not variance[1::2].any()


@pytest.mark.parametrize(("change", "shape"), [(edges.without_channels, (9, 0)), (edges.without_examples, (0, 2))])
def test_nothing_is_left_of_an_empty_case(change: Callable[[Case], Case], shape: tuple[int, int]) -> None:
    found = change(make(0, 9))
    assert (found.x.shape, found.dy) == (shape, None)
    assert found.gamma.shape == (shape[1],)


def test_weights_of_the_new_statistics_are_none_or_all() -> None:
    case = make(0, 9)
    assert (edges.kept(case).momentum, edges.replaced(case).momentum) == (0.0, 1.0)
    assert edges.without_epsilon(case).eps == 0.0
