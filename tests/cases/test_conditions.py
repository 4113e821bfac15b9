"""A condition leaves out cases by rank, dtype, examples and rows, and changes nothing of what is drawn."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from bnconform import Case
from bnconform.cases.conditions import ALWAYS, Condition
from bnconform.cases.strategies import Given, cases
from bnconform.contract.dtypes import NARROW, WIDE
from bnconform.engine.agreement import Agreement, Missing
from bnconform.engine.spec import Spec, Subject, spec


def make(*shape: int, dtype: str = "float32") -> Case:
    arrays: dict[str, Any] = dict.fromkeys(("gamma", "beta", "running_mean", "running_var"))
    return Case(mode="train", x=np.ones(shape, dtype), eps=0.5, momentum=0.5, **arrays)


@pytest.mark.parametrize(
    ("condition", "admitted", "left_out"),
    [
        (Condition(ranks={4}), make(2, 3, 2, 2), make(2, 3)),
        (Condition(dtypes=WIDE), make(2, 3), make(2, 3, dtype="float16")),
        (Condition(dtypes=NARROW), make(2, 3, dtype="float16"), make(2, 3)),
        (Condition(examples=2), make(2, 3), make(1, 3, 5)),
        (Condition(rows=2), make(1, 3, 2), make(1, 3)),
    ],
    ids=["rank", "wide", "narrow", "examples", "rows"],
)
def test_a_case_is_admitted_or_left_out(condition: Condition, admitted: Case, left_out: Case) -> None:
    assert condition.admits(admitted)
    assert not condition.admits(left_out)
    assert ALWAYS.admits(admitted)
    assert ALWAYS.admits(left_out)


def test_it_splits_no_search_and_decides_no_draw() -> None:
    given = cases(mode="train")
    asked = given.where(ranks={4}, why="no maps")
    assert (asked, hash(asked), repr(asked)) == (given, hash(given), repr(given))
    assert asked.condition != given.condition


def judged_by(given: Given, case: Case) -> Spec:
    @spec("y", source="a paper", given=given)
    def says_something(bn: Subject, case: Case) -> Agreement:
        """Says something."""
        raise AssertionError("it was asked")

    return says_something


def test_a_spec_is_not_asked_of_what_its_condition_leaves_out() -> None:
    given, case = cases(mode="train").where(ranks={4}, why="the input holds no feature maps"), make(2, 3)
    (found,) = judged_by(given, case).judge(Subject(None, None), case).agreements  # type: ignore[arg-type]
    assert found.missing == Missing("not asked", "the input holds no feature maps")
    with pytest.raises(AssertionError, match="it was asked"):
        judged_by(given, case).judge(Subject(None, None), make(2, 3, 2, 2))  # type: ignore[arg-type]
