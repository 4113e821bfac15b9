"""The verdicts of results are those of the engine, and what is written is strict JSON."""

from __future__ import annotations

import json

import numpy as np

from bnconform import Case
from bnconform.engine.agreement import BAD, VERDICTS
from bnconform.results.records import SHOWN, WORST_FIRST, case_record, is_known, is_stale, plain


def test_every_verdict_of_the_engine_stands_once_in_the_order_of_the_report() -> None:
    assert sorted(WORST_FIRST) == sorted(VERDICTS)


def test_a_case_is_shown_of_what_is_bad_and_of_what_deviates() -> None:
    assert set(SHOWN) == BAD | {"deviates"}
    assert SHOWN[-1] == "deviates"


def test_a_finding_is_known_unless_its_entry_is_stale() -> None:
    cause = {"fault": "implementation", "reason": "why", "link": "where"}
    found = [{}, {"known": cause}, {"known": {**cause, "stale": True}}]
    assert [is_known(one) for one in found] == [False, True, False]  # type: ignore[arg-type]
    assert [is_stale(one) for one in found] == [False, False, True]  # type: ignore[arg-type]


def test_plain_values_are_strict_json() -> None:
    values = {"a": np.array([1.5, np.nan, -np.inf], np.float16), "b": (np.int8(3), True), "c": None}
    assert json.loads(json.dumps(plain(values), allow_nan=False)) == {
        "a": [1.5, "nan", "-inf"],
        "b": [3, True],
        "c": None,
    }


def test_integers_and_truth_values_stay_what_they_are() -> None:
    assert plain(np.array([2**53 + 1])) == [2**53 + 1]
    assert plain(np.array([True])) == [True]


def test_the_record_of_a_case_has_its_settings_and_its_arrays() -> None:
    case = Case(mode="train", x=np.array([[1.0, 2.0], [3.0, np.inf]], np.float32), gamma=np.ones(2, np.float32),
                beta=None, running_mean=None, running_var=None, dy=None, eps=0.5, momentum=0.25, axis=1)  # fmt: skip
    record = case_record(case)
    assert (record["mode"], record["dtype"], record["shape"], record["axis"]) == ("train", "float32", [2, 2], 1)
    assert (record["eps"], record["momentum"]) == (0.5, 0.25)
    assert (record["x"], record["gamma"], record["beta"]) == ([[1.0, 2.0], [3.0, "inf"]], [1.0, 1.0], None)


def test_the_record_of_a_layer_or_of_shards_says_so_and_others_stay_as_they_were() -> None:
    vectors = {name: np.ones(2) for name in ("gamma", "beta", "running_mean", "running_var", "bias")}
    layer = Case(mode="infer", x=np.ones((4, 2)), eps=0.5, momentum=0.1, layer="linear", **vectors)
    found = case_record(layer)
    assert (found["layer"], found["bias"], "groups" in found, "shards" in found) == ("linear", [1.0, 1.0], False, False)
    del vectors["bias"]
    plain = Case(mode="train", x=np.ones((4, 2)), eps=0.5, momentum=0.1, **vectors)
    shared = Case(mode="train", x=np.ones((4, 2)), eps=0.5, momentum=0.1, shards=(1, 3), **vectors)
    assert case_record(shared)["shards"] == [1, 3]
    assert not {"layer", "groups", "bias", "shards", "malformed"} & set(case_record(plain))
    vectors["beta"] = np.ones(3)
    longer = Case(mode="train", x=np.ones((4, 2)), eps=0.5, momentum=0.1, malformed="beta_longer", **vectors)
    assert case_record(longer)["malformed"] == "beta_longer"
