"""A manner changes how a case is handed over and no value of it, but for parameters that share one array."""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np
import pytest
from hypothesis import strategies as st
from worlds.drawing import draw
from worlds.reference_cases import make

from bnconform import Case
from bnconform.cases.delivery import STORED, Manner, in_manner, plain
from bnconform.contract.case import FLAGS


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
