"""A Case refuses arrays that do not fit together, freezes those that do, and tells what it needs."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from bnconform import Case
from bnconform.contract.errors import ContractError


def case(**changes: Any) -> Case:
    fields: dict[str, Any] = {
        "mode": "train",
        "x": np.zeros((4, 3, 2), np.float32),
        "gamma": np.ones(3, np.float32),
        "beta": None,
        "running_mean": None,
        "running_var": None,
        "eps": 1e-3,
        "momentum": 0.1,
    }
    return Case(**{**fields, **changes})


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"mode": "test"}, r"Case\.mode is 'test'; expected 'train' or 'infer'"),
        ({"memory": "upside down"}, r"Case\.memory is 'upside down'; expected one of \('plain',"),
        ({"x": [[1.0]]}, r"Case\.x is \[\[1\.0\]\] of type list; expected an array of rank 2 or more"),
        ({"x": np.zeros(3)}, r"Case\.x is an array of shape \(3,\) .*; expected an array of rank 2 or more"),
        ({"axis": 3}, r"Case\.axis is 3; expected an axis of x, whose rank is 3"),
        ({"axis": -4}, r"Case\.axis is -4; expected an axis of x"),
        ({"gamma": np.ones(2)}, r"Case\.gamma is an array of shape \(2,\) .*; expected an array of shape \(3,\)"),
        ({"dy": np.ones((4, 3))}, r"Case\.dy is an array of shape \(4, 3\) .*; expected an array of shape \(4, 3, 2\)"),
        ({"dvar": 1.0}, r"Case\.dvar is 1\.0 of type float; expected an array of shape \(3,\)"),
        ({"mask": np.ones((4, 3), bool)}, r"Case\.mask is .*; expected booleans that broadcast to \(4, 3, 2\)"),
        ({"state": {}, "running_mean": np.zeros(3)}, r"Case\.state comes with running statistics"),
        ({"state": {"count": 1}}, r"Case\.state holds 'count': 1 of type int; expected a name and an array"),
    ],
)
def test_what_does_not_fit_is_refused_by_name(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ContractError, match=message):
        case(**changes)


def test_arrays_are_read_only_and_those_of_the_caller_stay_writable() -> None:
    x, count = np.zeros((4, 3, 2), np.float32), np.zeros(1, np.int64)
    made = case(x=x, state={"count": count})
    for array in (made.x, made.gamma, made.state["count"]):
        with pytest.raises(ValueError, match="read-only"):
            array[...] = 1
    x[...] = 1
    count[...] = 1
    assert made.x.max() == 1


def test_channels_and_rows_follow_the_axis() -> None:
    found = {axis: (case(gamma=None, axis=axis).channels, case(gamma=None, axis=axis).rows) for axis in (0, 1, 2, -1)}
    assert found == {0: (4, 6), 1: (3, 8), 2: (2, 12), -1: (2, 12)}


def test_no_channels_are_no_rows() -> None:
    empty = case(x=np.zeros((4, 0), np.float32), gamma=None)
    assert (empty.channels, empty.rows) == (0, 0)


@pytest.mark.parametrize(
    ("changes", "needs"),
    [
        ({}, set()),
        ({"watched": True}, set()),
        ({"memory": "strided"}, {"memory"}),
        ({"eager": True}, {"eager"}),
        ({"state": {}}, {"state"}),
        ({"default_eps": True, "default_momentum": True}, {"default_eps", "default_momentum"}),
        ({"mask": np.ones((4, 1, 1), bool)}, {"mask"}),
        ({"bar_grad_x": np.zeros((4, 3, 2))}, {"third_order"}),
        ({"gamma": np.ones(3, np.float64)}, {"wide_parameters"}),
        ({"gamma": None, "beta": np.ones(3, np.float64)}, {"wide_parameters"}),
        ({"running_mean": np.ones(3, np.float64), "running_var": np.ones(3, np.float64)}, set()),
        ({"gamma": np.ones(3, np.float16)}, set()),
        ({"shards": (2, 2)}, {"shards"}),
        ({"shards": (1, 3)}, {"shards", "unequal_shards"}),
        ({"shards": (2, 0, 2)}, {"shards", "empty_shard"}),
        ({"malformed": "gamma_longer", "gamma": np.ones(4, np.float32)}, {"malformed"}),
        ({"between": np.zeros((4, 3, 2)), "between_mode": "infer"}, {"between"}),
        ({"wanted": ("x", "gamma")}, {"wanted"}),
        ({"held_beta": np.ones(3)}, {"accumulates"}),
        ({"checkpointed": True}, {"checkpointed"}),
        ({"earlier": np.zeros((4, 3, 2))}, {"earlier"}),
        ({"mode": "infer", "running_mean": None, "running_var": None}, {"untracked"}),
        ({"mode": "infer", "running_mean": None, "running_var": None, "state": {}}, {"state"}),
    ],
)
def test_a_case_needs_the_features_of_its_fields(changes: dict[str, Any], needs: set[str]) -> None:
    assert case(**changes).needs == needs


@pytest.mark.parametrize("shards", [(1, 2), (5, -1), (2.0, 2.0), (True, 3), "22", 4, None])
def test_shards_share_out_all_examples(shards: Any) -> None:
    with pytest.raises(ContractError, match=r"Case\.shards is .*; expected how many of the 4 examples"):
        case(shards=shards)


@pytest.mark.parametrize("wanted", [(), ("gamma", "x"), ("x", "x"), ("beta",), ("y",), "x", 3])
def test_what_is_wanted_are_gradients_of_arrays_that_there_are(wanted: Any) -> None:
    with pytest.raises(ContractError, match=r"Case\.wanted is .*; expected some of "):
        case(wanted=wanted, beta=None)
    assert [case(wanted=("gamma",)).wants(name) for name in ("x", "gamma", "beta")] == [False, True, False]


@pytest.mark.parametrize(
    "changes", [{"between_mode": "train"}, {"between_mode": "eval", "between": np.zeros((4, 3, 2))}]
)
def test_a_call_between_has_a_mode_and_an_input(changes: dict[str, Any]) -> None:
    with pytest.raises(ContractError, match=r"Case\.between_mode is "):
        case(**changes)
    assert case(between=np.zeros((4, 3, 2))).between_trains


@pytest.mark.parametrize(("mode", "modes"), [("train", ("train", "infer")), ("infer", ("infer", "train"))])
def test_earlier_calls_are_in_the_mode_of_the_case_and_in_the_other(mode: str, modes: tuple[str, ...]) -> None:
    assert case(mode=mode).earlier_modes == ()
    assert case(mode=mode, earlier=np.zeros((4, 3, 2))).earlier_modes == modes


@pytest.mark.parametrize(
    "changes",
    [
        {"malformed": "gamma_bent"},
        {"malformed": "gamma_longer"},  # which it is not
        {"malformed": "beta_longer", "beta": None},
        {"malformed": "beta_longer", "beta": np.ones(4), "gamma": np.ones(4)},
        {"malformed": "dy_single", "dy": np.ones((2, 3, 2))},
        {"gamma": np.ones(4)},
    ],
)
def test_a_malformed_case_has_the_shape_that_it_says_and_no_other_wrong_one(changes: dict[str, Any]) -> None:
    with pytest.raises(ContractError, match=r"Case\.(malformed is|gamma is|dy is) "):
        case(**changes)


def test_examples_stand_on_the_first_axis_that_the_channels_are_not_on() -> None:
    assert {axis: case(gamma=None, axis=axis).examples for axis in (0, 1, 2, -1)} == {0: 3, 1: 4, 2: 4, -1: 4}


def test_flags_are_those_that_are_set() -> None:
    assert case().flags == {}
    assert case(memory="swapped", watched=True).flags == {"memory": "swapped", "watched": True}
