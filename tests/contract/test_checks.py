"""Masks and states that break the contract are refused in words that name what was got and expected."""

from __future__ import annotations

import numpy as np
import pytest

from bnconform.contract.checks import check_mask, check_state, describe
from bnconform.contract.errors import ContractError


@pytest.mark.parametrize("shape", [(4, 3), (1, 3), (4, 1), (1, 1)])
def test_a_mask_may_broadcast(shape: tuple[int, ...]) -> None:
    check_mask(np.ones(shape, bool), (4, 3))


@pytest.mark.parametrize(
    "mask", [np.ones((4, 3)), np.ones(3, bool), np.ones((2, 3), bool), np.ones((4, 3, 1), bool), True, [[True]]]
)
def test_another_mask_is_refused(mask: object) -> None:
    with pytest.raises(ContractError, match=r"Case\.mask is .*; expected booleans that broadcast to \(4, 3\)"):
        check_mask(mask, (4, 3))


def test_a_state_may_count_and_be_empty() -> None:
    state = {"mean": np.zeros(2, np.float16), "count": np.zeros((), np.uint8), "begun": np.zeros(1, bool)}
    assert check_state(state, "Case.state") is state
    assert check_state({}, "Case.state") == {}


@pytest.mark.parametrize(
    ("state", "message"),
    [
        (np.zeros(2), r"Case\.state is an array of shape \(2,\) and dtype float64; expected a mapping"),
        ({1: np.zeros(2)}, r"Case\.state holds 1: .*; expected a name and an array"),
        ({"mean": 0.0}, r"Case\.state holds 'mean': 0\.0 of type float; expected a name and an array"),
        ({"mean": np.zeros(2, complex)}, r"Case\.state holds 'mean' of dtype complex128; expected one of \('float16',"),
    ],
)
def test_another_state_is_refused(state: object, message: str) -> None:
    with pytest.raises(ContractError, match=message):
        check_state(state, "Case.state")


def test_a_long_value_is_described_in_short() -> None:
    assert describe("a" * 500) == f"'{'a' * 59} of type str"
