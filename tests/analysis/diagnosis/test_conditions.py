"""A fault that shows under a condition alone is named with it: rank, layout, sign of γ, number of values."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from worlds import planted

from bnconform import Case
from bnconform.analysis.diagnosis.conditions import EVERYWHERE, condition
from bnconform.analysis.faults import FAULTS
from bnconform.cases.strategies import Traits

BY_NAME = {fault.name: fault for fault in FAULTS}


def last(case: Case) -> bool:
    return case.axis % case.x.ndim == case.x.ndim - 1


def negative(case: Case) -> bool:
    return case.gamma is not None and bool((case.gamma.astype(np.float64) < 0).all())


CONDITIONS: dict[str, Callable[[Case], bool]] = {
    "x has 4 axes": lambda case: case.x.ndim == 4,
    "x has other than 2 axes": lambda case: case.x.ndim != 2,
    "x has more than two axes and channels last": lambda case: case.x.ndim > 2 and last(case),
    "a channel has more than 64 values": lambda case: case.rows > 64,
    "γ is negative": negative,
}


@pytest.mark.parametrize("words", CONDITIONS)
def test_what_wrong_cases_share_is_found(words: str) -> None:
    found = condition(Traits(dtype="float32"), "train", CONDITIONS[words])
    assert found.words == words


@pytest.mark.parametrize("wrong", [True, False, None])
def test_what_is_wrong_everywhere_or_nowhere_has_no_condition(wrong: bool | None) -> None:
    assert condition(Traits(dtype="float32"), "train", lambda case: wrong) is EVERYWHERE


def test_what_no_single_property_separates_has_no_condition() -> None:
    found = condition(Traits(dtype="float32"), "infer", lambda case: (case.x.ndim == 4) == negative(case))
    assert found is EVERYWHERE


def test_what_compiles_is_asked_few_shapes() -> None:
    asked: list[Case] = []
    condition(Traits(dtype="float32", compiled=True), "train", lambda case: bool(asked.append(case)))
    assert len({(case.x.shape, case.axis) for case in asked}) <= 6


@pytest.mark.slow
@pytest.mark.parametrize("words", ["x has 4 axes", "x has more than two axes and channels last",
                                   "a channel has more than 64 values"])  # fmt: skip
@pytest.mark.parametrize("fault", ["epsilon_outside_the_root", "unbiased_variance_in_y", "dgamma_averaged"])
def test_a_fault_behind_a_condition_is_named_with_it(fault: str, words: str) -> None:
    found = planted.diagnosed_where(CONDITIONS[words], BY_NAME[fault], "float32")
    assert found.found.only == words
    assert found.first
    assert found.found.words.endswith(f"; wrong only where {words}")
