"""An Implementation refuses a wrong field by name, and its description travels between processes."""

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


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"name": "my bn"}, r"Implementation\.name is 'my bn'; expected a dotted name without spaces"),
        ({"name": "a" * 201}, r"Implementation\.name has 201 characters .* expected at most 200"),
        ({"run": None}, r"mylib\.bn: run is None; expected a function that takes a Case"),
        ({"dialect": {}}, r"mylib\.bn: dialect is \{\}; expected a bnconform\.Dialect"),
        ({"dtypes": "float32"}, r"mylib\.bn: dtypes is 'float32'; expected some of"),
        ({"dtypes": set()}, r"mylib\.bn: dtypes is set\(\); expected some of"),
        ({"features": {"speed"}}, r"mylib\.bn: features is \{'speed'\}; expected some of"),
        ({"settings": {}}, r"mylib\.bn: settings is \{\}; expected a bnconform\.Settings"),
        ({"fixed_eps": "1e-5"}, r"mylib\.bn: fixed_eps is '1e-5'; expected a number, or None"),
        ({"fixed_momentum": float("nan")}, r"mylib\.bn: fixed_momentum is nan; expected a number, or None"),
        (
            {"features": {"default_eps"}},
            r"mylib\.bn: it offers 'default_eps'; expected settings that document",
        ),
    ],
)
def test_an_implementation_is_refused_where_it_is_made(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ContractError, match=message):
        implementation(**changes)
