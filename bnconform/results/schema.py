"""Whether a line of `results.jsonl` is a record that this version reads.

Rules: the shape of each kind of line stands in `schemas/KIND.json`, for others to read and for this module to check by;
what a schema cannot say, how arrays and numbers of one record fit together, `consistency` says; whatever is wrong is
told in one line: place, field, what was got and what was expected.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import cache
from pathlib import Path
from reprlib import Repr
from typing import Any, cast

from fastjsonschema import JsonSchemaValueException, compile

from bnconform.contract.errors import ContractError
from bnconform.results.consistency import contradiction
from bnconform.results.records import SCHEMA
from bnconform.results.text import clipped, visible

FOLDER = Path(__file__).parent / "schemas"
KINDS = tuple(sorted(path.stem for path in FOLDER.glob("*.json")))
"""The kinds of lines: one more file makes one more."""
_ARTICLES = {
    "array": "a list",
    "boolean": "true or false",
    "integer": "a whole number",
    "null": "null",
    "number": "a number",
    "object": "an object",
    "string": "a text",
}
_SIZES = {
    "maxLength": ("characters", "at most"),
    "maxItems": ("items", "at most"),
    "maxProperties": ("fields", "at most"),
    "minItems": ("items", "at least"),
}
_SHORT = Repr()
_SHORT.maxstring = _SHORT.maxother = _SHORT.maxlong = 60


def schema(kind: str) -> dict[str, Any]:
    """Returns the JSON Schema of a kind of line."""
    return cast(dict[str, Any], json.loads((FOLDER / f"{kind}.json").read_text(encoding="utf-8")))


@cache
def _checker(kind: str) -> Callable[[Any], Any]:
    return cast(Callable[[Any], Any], compile(schema(kind)))


def check_record(record: Any, where: str) -> dict[str, Any]:
    """Returns `record` if it is a line of one of the kinds; otherwise raises ContractError, beginning with `where`."""
    try:
        fault = _fault(record)
    except RecursionError:
        fault = "lists or objects are nested too deeply; expected at most a level for each axis of an array"
    if fault:
        raise ContractError(f"{where}: {fault}")
    return cast(dict[str, Any], record)


def _fault(record: Any) -> str:
    """Returns what is wrong with a record, in words; "" where nothing is."""
    kind = record.get("kind") if isinstance(record, dict) else None
    if kind not in KINDS:
        return f"expected an object whose kind is one of {', '.join(KINDS)}; got {_SHORT.repr(record)}"
    if kind == "run" and record.get("schema", SCHEMA) != SCHEMA:
        return f"schema is {_SHORT.repr(record['schema'])}; this bnconform reads schema {SCHEMA}"
    try:
        _checker(kind)(record)
    except JsonSchemaValueException as error:
        return _in_words(error, f"a {kind} line")
    return contradiction(record)


def _in_words(error: Any, line: str) -> str:
    """Returns what a record has and what its schema expects there."""
    place = visible(clipped(error.name.partition(".")[2], 100)).replace("\n", " ") or line
    rule, wanted, value = error.rule, error.rule_definition, error.value
    if rule == "required":
        return f"{place} lacks {', '.join(name for name in wanted if name not in value)}"
    if rule == "dependencies":
        lacking = [name for one, names in wanted.items() if one in value for name in names if name not in value]
        return f"{place} lacks {', '.join(lacking)}"
    if rule == "propertyNames":
        return (
            f"{place} has a field whose name is no text or too long; expected at most {wanted['maxLength']} characters"
        )
    if rule in _SIZES:
        unit, limit = _SIZES[rule]
        return f"{place} has {len(value):,} {unit}; expected {limit} {wanted:,}"
    return f"{place} is {_SHORT.repr(value)}; expected {_expected(rule, wanted, error.definition)}"


def _expected(rule: str, wanted: Any, definition: dict[str, Any]) -> str:
    """Returns in words what a rule of a schema asks of a value."""
    if rule == "type":
        return " or ".join(_ARTICLES[one] for one in ([wanted] if isinstance(wanted, str) else wanted))
    if rule == "enum":
        return f"one of {', '.join('null' if one is None else one for one in wanted)}"
    if rule in ("minimum", "maximum"):
        return f"a number of at {'least' if rule == 'minimum' else 'most'} {wanted}"
    if rule == "pattern":
        told = str(definition["description"]).removesuffix(".")
        return told[0].lower() + told[1:]
    return repr(wanted)
