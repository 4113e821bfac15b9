"""An Outcome is checked against its Case: kind, shape and dtype of every array, with the culprit's name."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from worlds.hosts import make

from bnconform import Outcome
from bnconform.contract.dtypes import dtype_named
from bnconform.contract.errors import ContractError
from bnconform.contract.outcome import ELEMENTWISE, OUTPUTS, check_outcome


@pytest.mark.parametrize(
    ("outcome", "message"),
    [
        (None, r"bn\.norm returned None of type NoneType; expected a bnconform\.Outcome"),
        (Outcome(y=[1.0]), r"returned y as \[1\.0\] of type list; expected a numpy\.ndarray of shape \(3, 2\)"),
        (Outcome(y=np.zeros((2, 3), np.float32)), r"returned y of shape \(2, 3\); expected \(3, 2\)"),
        (Outcome(running_mean=np.zeros((1, 2), np.float32)), r"running_mean of shape \(1, 2\); expected \(2,\)"),
        (Outcome(y=np.zeros((3, 2))), r"y of dtype float64; expected float32, the dtype of x"),
        (Outcome(running_var=np.zeros(2, np.float16)), r"running_var of dtype float16; expected float32 or a wider"),
        (Outcome(dbeta=np.zeros(2, np.int64)), r"dbeta of dtype int64; expected float32 or a wider float"),
        (Outcome(state=[np.zeros(2)]), r"the state that bn\.norm returned is .*; expected a mapping of names"),
    ],
)  # fmt: skip
def test_what_does_not_fit_the_case_is_refused(outcome: object, message: str) -> None:
    with pytest.raises(ContractError, match=message):
        check_outcome(replace(make((3, 2)), state={}), outcome, "bn.norm")


def test_a_state_that_nobody_asked_for_is_not_kept() -> None:
    given = Outcome(y=np.zeros((3, 2), np.float32), state={"count": np.zeros(1, np.int32)})
    found = check_outcome(make((3, 2)), given, "bn.norm")
    assert found.state is None
    assert found.y is given.y


def test_an_outcome_that_fits_is_returned_itself() -> None:
    outcome = Outcome(y=np.zeros((3, 2), np.float32), running_var=np.zeros(2), state={"count": np.zeros(1, np.int32)})
    assert check_outcome(replace(make((3, 2)), state={}), outcome, "bn.norm") is outcome


@pytest.mark.parametrize(
    ("x", "statistic", "fits"),
    [
        ("float16", "float32", True),
        ("bfloat16", "float32", True),
        ("bfloat16", "bfloat16", True),
        ("bfloat16", "float16", False),
        ("float16", "bfloat16", False),
        ("float64", "float32", False),
    ],
)
def test_statistics_are_of_the_type_of_x_or_a_wider_one(x: str, statistic: str, fits: bool) -> None:
    case = make((3, 2), "float64")
    given: Any = case.x.astype(dtype_named(x))
    outcome = Outcome(running_mean=np.zeros(2, dtype_named(statistic)))
    case = type(case)(**{**vars(case), "x": given})
    if fits:
        assert check_outcome(case, outcome, "bn.norm") is outcome
    else:
        with pytest.raises(ContractError, match=f"of dtype {statistic}; expected {x} or a wider float"):
            check_outcome(case, outcome, "bn.norm")


def test_every_output_is_checked() -> None:
    for name in OUTPUTS:
        assert name != "state"
        shape = (3, 2) if name in ELEMENTWISE else (2,)
        with pytest.raises(ContractError, match=rf"returned {name} of shape \(7,\)"):
            check_outcome(make((3, 2)), Outcome(**{name: np.zeros(7, np.float32)}), "bn.norm")
        check_outcome(make((3, 2)), Outcome(**{name: np.zeros(shape, np.float32)}), "bn.norm")
