"""The schemas of the lines: the same as the types, told to others, found by kind."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import is_dataclass
from types import NoneType, UnionType
from typing import Any, Literal, NotRequired, Union, get_args, get_origin, get_type_hints, is_typeddict

import pytest

from bnconform.analysis.diagnosis.diagnosis import Likely
from bnconform.analysis.selftest.score import Score
from bnconform.contract.errors import ContractError
from bnconform.contract.implementation import LONGEST_NAME
from bnconform.contract.settings import Argument, Settings
from bnconform.results import consistency, records
from bnconform.results import schema as checking
from bnconform.results.schema import KINDS, check_record, schema
from bnconform.results.text import LONGEST_TEXT

RECORDS = {"run": records.RunRecord, "finding": records.Finding, "note": records.Note}
RECORDS |= {"defect": records.DefectRecord, "end": records.End}
NESTED = [
    ("run", records.SpecRecord), ("run", records.ImplementationRecord), ("run", Settings), ("run", Argument),
    ("run", Score), ("run", records.Plan),
    ("finding", records.CaseRecord), ("finding", records.Detail), ("finding", records.ShownRecord),
    ("finding", Likely),
    ("finding", records.Known),
]  # fmt: skip
FOR_TYPES = {str: {"string"}, int: {"integer"}, float: {"number"}, bool: {"boolean"}, NoneType: {"null"}}
FOR_TYPES |= {list: {"array"}, dict: {"object"}, tuple: {"array"}}
EVERY = {"string", "number", "boolean", "null", "array", "object"}
READ = {
    "Settings": {"weighs", "offers"},
    "Argument": {"name", "default", "link"},
    "Score": {"faults", "caught", "median", "worst", "compared", "alarms"},
}
"""Fields of dataclasses that a page is made of; a reader does without the others, which later versions added."""


def expected_types(annotation: Any) -> set[str]:
    """The types that a schema gives a field of this annotation; EVERY for one that says nothing."""
    origin, inner = get_origin(annotation), get_args(annotation)
    if origin is NotRequired:
        return expected_types(inner[0])
    if annotation is Any:
        return EVERY
    if origin in (Union, UnionType):
        return set().union(*map(expected_types, inner))
    if origin is Literal:
        return set().union(*(FOR_TYPES[type(one)] for one in inner))
    if is_typeddict(annotation) or is_dataclass(annotation) or getattr(origin, "__name__", "") == "Mapping":
        return {"object"}
    return FOR_TYPES[origin or annotation]


def resolved(kind: str, stated: dict[str, Any]) -> dict[str, Any]:
    """What a schema states, behind its reference; of several schemas the first, which is the narrowest."""
    if "allOf" in stated:
        return resolved(kind, stated["allOf"][0])
    reference = stated.get("$ref")
    return schema(kind)["definitions"][reference.rpartition("/")[2]] if reference else stated


def types_of(stated: dict[str, Any]) -> set[str]:
    return {stated["type"]} if isinstance(stated["type"], str) else set(stated["type"])


def held_together(kind: str, stated: dict[str, Any], record: Any) -> None:
    hints = get_type_hints(record, include_extras=True)
    assert set(stated["properties"]) == set(hints)
    for name, annotation in hints.items():
        given, wanted = types_of(resolved(kind, stated["properties"][name])), expected_types(annotation)
        assert given == wanted or (wanted == EVERY and given <= EVERY), name


def required_of(record: Any) -> set[str]:
    """The fields that every record has; `__required_keys__` does not see through annotations that are texts."""
    hints = get_type_hints(record, include_extras=True)
    return {name for name in record.__required_keys__ if get_origin(hints[name]) is not NotRequired}


@pytest.mark.parametrize("kind", RECORDS)
def test_types_and_schemas_have_the_same_fields_of_the_same_types(kind: str) -> None:
    stated, record = schema(kind), RECORDS[kind]
    held_together(kind, stated, record)
    assert set(stated["required"]) == required_of(record)


@pytest.mark.parametrize(("kind", "record"), NESTED, ids=lambda one: getattr(one, "__name__", one))
def test_nested_records_have_the_same_fields_of_the_same_types(kind: str, record: Any) -> None:
    stated = schema(kind)["definitions"][record.__name__]
    held_together(kind, stated, record)
    required = set(stated.get("required", ()))
    assert required == (READ[record.__name__] if is_dataclass(record) else required_of(record))


def test_every_kind_of_line_has_its_schema_and_is_told_by_kind() -> None:
    assert set(KINDS) == set(RECORDS)
    for kind in KINDS:
        assert schema(kind)["properties"]["kind"]["const"] == kind
        assert "draft-07" in schema(kind)["$schema"]


def test_one_more_file_makes_one_more_kind(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ContractError, match="kind is one of defect, end, finding, note, run"):
        check_record({"kind": "plot"}, "here")
    monkeypatch.setattr(checking, "KINDS", (*KINDS, "plot"))
    monkeypatch.setattr(checking, "schema", lambda kind: {"type": "object", "required": ["id"]})
    with pytest.raises(ContractError, match="here: a plot line lacks id"):
        check_record({"kind": "plot"}, "here")
    assert check_record({"kind": "plot", "id": "a"}, "here")
    checking._checker.cache_clear()


def parts(stated: Any) -> Iterator[dict[str, Any]]:
    """A schema and all within it."""
    if isinstance(stated, dict):
        yield stated
        for one in stated.values():
            yield from parts(one)


@pytest.mark.parametrize("kind", KINDS)
def test_every_field_is_described_and_every_text_and_list_is_bounded(kind: str) -> None:
    for one in parts(schema(kind)):
        for field in one.get("properties", {}).values():
            assert "$ref" in field or field["description"]
        types = types_of(one) if isinstance(one.get("type"), str | list) else set()
        if "string" in types:
            assert {"maxLength", "pattern", "enum", "const"} & set(one)
        if "array" in types:
            assert "maxItems" in one
        if types & {"number", "integer"} and "const" not in one:
            assert {"minimum", "maximum"} <= set(one)
        assert one.get("additionalProperties") is not False


def test_the_bounds_are_those_that_are_written_by() -> None:
    for kind in ("run", "finding"):
        stated = schema(kind)["definitions"]
        assert stated["name"]["maxLength"] == LONGEST_NAME
        assert stated["text"]["maxLength"] == LONGEST_TEXT
    case = schema("finding")["definitions"]["CaseRecord"]["properties"]
    assert case["shape"]["maxItems"] == consistency.DEEPEST
    assert case["x"]["maxItems"] == consistency.MOST_VALUES
    assert set(consistency.CASE_ARRAYS) == {*records.ARRAYS, "bias", "between", "held_gamma", "held_beta", "earlier"}
