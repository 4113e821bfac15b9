"""A manner changes how a case is handed over and no value of it, but for parameters that share one array."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import strategies as st
from worlds.drawing import draw
from worlds.reference_cases import make

from bnconform import Case
from bnconform.cases.delivery import APART, STORED, Manner, in_manner, plain
from bnconform.contract.case import FLAGS, PER_CHANNEL
from bnconform.contract.memory import laid_out


@pytest.mark.parametrize(
    ("manner", "flags"),
    [
        ("plain", {}),
        ("watched", {"watched": True}),
        ("uncompiled", {"eager": True}),
        ("default_eps", {"default_eps": True}),
        ("default_momentum", {"default_momentum": True}),
    ],
)
def test_a_manner_sets_its_flag_and_nothing_else(manner: Manner, flags: dict[str, Any]) -> None:
    case = make(0, 4)
    (found,) = draw(in_manner(manner, st.just(case)), 1)
    assert found.flags == flags
    assert {name for name in vars(case) if name not in FLAGS and not same(case, found, name)} == set()


def same(one: Case, other: Case, name: str) -> bool:
    return bool(np.array_equal(getattr(one, name), getattr(other, name)))


def test_cases_are_stored_in_every_way_about_equally_often() -> None:
    found = draw(in_manner("stored", st.integers(0, 2**16).map(lambda seed: make(seed, 4))), 150)
    ways = Counter(case.memory for case in found)
    assert set(ways) == set(STORED)
    assert min(ways.values()) > 150 / len(STORED) / 4


def test_how_a_case_is_stored_follows_from_its_values() -> None:
    drawn = [draw(in_manner("stored", st.just(make(seed, 4))), 1)[0].memory for seed in (1, 1, 1)]
    assert len(set(drawn)) == 1


def test_shared_parameters_are_equal_and_two_arrays_still() -> None:
    found = draw(in_manner("stored", st.integers(0, 2**16).map(lambda seed: make(seed, 4))), 100)
    shared = [case for case in found if case.memory == "shared"]
    assert shared
    for case in shared:
        assert np.array_equal(case.gamma, case.beta)
        assert not np.shares_memory(case.gamma, case.beta)
    others = [case for case in found if case.memory != "shared"]
    assert not any(np.array_equal(case.gamma, case.beta) for case in others)


def test_the_plain_case_has_no_manner_but_keeps_its_defaults() -> None:
    case = make(0, 4, memory="swapped", watched=True, eager=True, default_eps=True)
    assert plain(case).flags == {"default_eps": True}


def test_a_case_whose_arrays_lie_apart_has_values_that_show_it() -> None:
    drawn = st.integers(0, 2**16).map(lambda seed: make(seed, 4, shuffled=True))
    found = draw(in_manner("apart", drawn), 300)
    assert {case.memory for case in found} == {way for way in APART if "channels" not in way}  # as they are of rank 2
    for case in found:
        laid = laid_out(case)
        assert laid.dy is not None
        assert case.dy is not None
        assert (0 in laid.dy.strides) == (case.memory == "dy_broadcast")
        assert np.shares_memory(laid.x, laid.dy) == (case.memory == "overlapping")
        assert case.shuffled == (case.memory not in ("dy_broadcast", "overlapping"))
        assert np.array_equal(plain(case).dy, case.dy)


def of_rank_4(seed: int) -> Case:
    found = make(seed, 4)
    x = np.random.default_rng(seed).normal(size=(3, 4, 2, 5))
    return replace(found, x=x, dy=x + 1, axis=1, **{name: getattr(found, name)[:1].repeat(4) for name in PER_CHANNEL})


def test_a_gradient_is_constant_along_some_axes_in_any_combination_that_a_sum_gives() -> None:
    drawn = st.integers(0, 2**16).map(lambda seed: of_rank_4(seed))
    found = [laid_out(case) for case in draw(in_manner("apart", drawn), 300) if case.memory == "dy_broadcast"]
    kinds = {tuple(stride == 0 for stride in case.dy.strides) for case in found if case.dy is not None}
    assert kinds == {(True,) * 4, (True, False, True, True), (False, False, True, True), (True, False, False, False)}


def test_a_case_without_a_gradient_lies_apart_too() -> None:
    drawn = st.integers(0, 2**16).map(lambda seed: make(seed, 4, dy=None))
    assert {case.memory for case in draw(in_manner("apart", drawn), 100)} >= {"dy_broadcast", "overlapping"}


def test_a_small_case_like_another_is_stored_as_that_is() -> None:
    like = replace(make(0, 4), memory="columns")
    drawn = in_manner("apart", st.integers(0, 99).map(lambda seed: make(seed, 4)), small=True, like=like)
    assert {case.memory for case in draw(drawn, 20)} == {"columns"}
