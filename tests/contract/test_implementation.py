"""Descriptions travel between processes, and a wrong field of an Implementation is refused by name."""

from __future__ import annotations

import json
import pickle
from types import MappingProxyType
from typing import Any

import pytest

from bnconform import Dialect, Implementation, Outcome
from bnconform.contract.case import Case
from bnconform.contract.errors import ContractError
from bnconform.contract.implementation import Described

NARROW = Dialect(stats_dtype="float32")


def run(case: Case) -> Outcome:
    return Outcome()


def implementation(**changes: Any) -> Implementation:
    fields: dict[str, Any] = {
        "name": "mylib.bn",
        "run": run,
        "version": "1.2",
        "dialect": Dialect(running_var="biased", links={"running_var": "https://example.org"}),
        "by_dtype": {"float16": NARROW},
        "dtypes": {"float64", "float16"},
        "ranks": [4, 2],
        "compiled": True,
        "devices": {"cuda", "cpu"},
    }
    return Implementation(**{**fields, **changes})


def test_collections_are_sorted() -> None:
    described = Described.of(implementation())
    assert (described.dtypes, described.ranks) == (("float16", "float64"), (2, 4))
    assert described.devices == ("cpu", "cuda")


def test_a_description_survives_json_and_pickle() -> None:
    links = MappingProxyType({"running_var": "https://example.org"})  # which pickle and JSON refuse
    for item in (implementation(), implementation(dialect=Dialect(links=dict(links)), by_dtype={})):
        described = Described.of(item)
        assert Described.from_json(json.loads(json.dumps(described.to_json()))) == described
        assert pickle.loads(pickle.dumps(described)) == described


def test_links_of_any_mapping_become_json() -> None:
    links = MappingProxyType({"running_var": "https://example.org"})
    message = Described.of(implementation(dialect=Dialect(links=links))).to_json()
    assert json.loads(json.dumps(message))["dialect"]["links"] == dict(links)


def test_a_dtype_has_its_dialect() -> None:
    described = Described.of(implementation())
    assert described.dialect_for("float16") == NARROW
    assert described.dialect_for("float64").running_var == "biased"


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"ranks": 4}, r"mylib\.bn: ranks is 4; expected a collection of int"),
        ({"ranks": {"4"}}, r"mylib\.bn: ranks is \{'4'\}; expected a collection of int"),
        ({"devices": "cpu"}, r"mylib\.bn: devices is 'cpu'; expected a collection of str"),
        ({"by_dtype": {"float16": "biased"}}, r"mylib\.bn: by_dtype is .*expected Dialects by name of dtype"),
    ],
)
def test_a_wrong_field_is_refused(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ContractError, match=message):
        Described.of(implementation(**changes))
