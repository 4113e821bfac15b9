"""Cases with changed channels: those of even index stay, and everything that belongs to a channel goes with it."""

from __future__ import annotations

import numpy as np
import pytest
from worlds.reference_cases import make

from bnconform import Case
from bnconform.contract.axes import to_rows
from bnconform.relations import channels


def case(axis: int = 1, count: int = 5) -> Case:
    if axis == 1:
        return make(0, 6, channels=count)
    x = np.random.default_rng(3).standard_normal((count, 6))
    return make(0, 6, channels=count, x=x, axis=0, dy=None)


@pytest.mark.parametrize("axis", [0, 1])
def test_every_second_channel_is_zero_and_the_others_stay(axis: int) -> None:
    before, after = (to_rows(one.x, axis) for one in (case(axis), channels.zeroed(case(axis))))
    assert np.array_equal(after[:, ::2], before[:, ::2])
    assert not after[:, 1::2].any()


def test_unchanged_is_where_the_even_channels_stand() -> None:
    assert channels.unchanged(case()).tolist() == [[True, False, True, False, True]]
    assert channels.unchanged(case(axis=0)).tolist() == [[True], [False], [True], [False], [True]]
    assert not channels.unchanged(case(count=1)).any()


def test_a_spoilt_channel_has_one_value_that_is_no_number_or_infinite() -> None:
    x = channels.spoilt(case()).x
    assert np.isnan(x[0]).tolist() == [False, True, False, False, False]
    assert np.isinf(x[0]).tolist() == [False, False, False, True, False]
    assert np.isfinite(x[1:]).all()


def test_turned_channels_take_their_parameters_along() -> None:
    before, after = case(), channels.turned(case())
    assert np.array_equal(after.x, before.x[:, ::-1])
    for name in ("gamma", "beta", "running_mean", "running_var"):
        assert np.array_equal(getattr(after, name), getattr(before, name)[::-1])


def test_the_first_channel_alone_keeps_its_cotangent() -> None:
    before, after = case(), channels.alone(case())
    assert before.dy is not None
    assert after.dy is not None
    assert np.array_equal(after.x, before.x[:, :1])
    assert np.array_equal(after.dy, before.dy[:, :1])
    assert (after.channels, after.gamma.tolist()) == (1, before.gamma[:1].tolist())
