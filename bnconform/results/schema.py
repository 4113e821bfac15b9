"""Whether a line of `results.jsonl` has the shape of a record.

Rule: a record that lacks a field, or has one of the wrong type, is refused with its place and the field's name.
"""

from __future__ import annotations

from types import NoneType
from typing import Any, cast

from bnconform.contract.errors import ContractError
from bnconform.results.records import SCHEMA, WORST_FIRST, Cause, ImplementationRecord, SpecRecord

_Types = dict[str, type | tuple[type, ...]]
_FINDING_TYPES: _Types = {
    "spec": str,
    "implementation": str,
    "version": str,
    "dtype": str,
    "device": str,
    "verdict": str,
    "worst_ratio": (int, float, NoneType),
    "quantity": (str, NoneType),
    "examples": int,
    "claimed": (int, float, NoneType),
    "diagnosis": list,
    "witness": (str, NoneType),
    "reproduce": (str, NoneType),
    "fault": (str, NoneType),
    "reason": str,
    "raises": (str, NoneType),
    "declared": str,
    "output": str,
    "basis": str,
    "likewise": list,
    "missing": str,
    "explanation": str,
    "compared": int,
    "detail": (dict, NoneType),
    "known": dict,
}
_RUN_TYPES: _Types = {
    "command": list,
    "started": str,
    "environment": dict,
    "versions": dict,
    "seed": int,
    "examples": int,
    "timeout": (int, float),
    "device": str,
    "specs": list,
    "implementations": list,
    "missing": list,
    "broken": list,
    "defaults": dict,
}
_END_TYPES: _Types = {"findings": int, "verdicts": dict, "seconds": (int, float), "exit_status": int}
_DEFECT_TYPES: _Types = {
    "id": str,
    "title": str,
    "severity": str,
    "effect": str,
    "known": bool,
    "fault": str,
    "likely": str,
    "words": str,
    "implementations": list,
    "dtypes": list,
    "specs": list,
    "findings": int,
    "shown": list,
    "link": str,
    "script": (str, NoneType),
    "status": (int, NoneType),
}
_TYPES: dict[str, _Types] = {
    "run": _RUN_TYPES,
    "finding": _FINDING_TYPES,
    "defect": _DEFECT_TYPES,
    "end": _END_TYPES,
}
# `from __future__ import annotations` leaves __optional_keys__ empty.
_OPTIONAL = frozenset(
    {
        "fault",
        "reason",
        "raises",
        "declared",
        "output",
        "basis",
        "likewise",
        "missing",
        "explanation",
        "compared",
        "detail",
        "known",
        "defaults",
    }
)


def check_record(record: Any, where: str) -> dict[str, Any]:
    """Returns `record` if it is a line of some kind; otherwise raises ContractError, beginning with `where`."""
    kind = record.get("kind") if isinstance(record, dict) else None
    if kind not in _TYPES:
        raise ContractError(
            f"{where}: expected an object whose kind is run, finding, defect or end; got {record!r:.80}"
        )
    for name, expected in _TYPES[kind].items():
        if name not in record and name not in _OPTIONAL:
            raise ContractError(f"{where}: a {kind} line without {name!r}")
        if name in record and not isinstance(record[name], expected):
            raise ContractError(f"{where}: {name} is {record[name]!r:.80}; expected {expected}")
    if kind == "finding" and record["verdict"] not in WORST_FIRST:
        raise ContractError(f"{where}: verdict is {record['verdict']!r}; expected one of {WORST_FIRST}")
    if kind == "finding" and not Cause.__required_keys__ <= set(record.get("known", Cause.__required_keys__)):
        raise ContractError(f"{where}: known is {record['known']!r:.80}; expected fault, reason and link")
    if kind == "run":
        _check_run(record, where)
    return cast(dict[str, Any], record)


def _check_run(record: dict[str, Any], where: str) -> None:
    if record.get("schema") != SCHEMA:
        raise ContractError(f"{where}: schema is {record.get('schema')!r}; this bnconform reads schema {SCHEMA}")
    needed = {
        "specs": SpecRecord.__required_keys__,
        "implementations": ImplementationRecord.__required_keys__,
        "missing": frozenset({"adapter", "needs"}),
        "broken": frozenset({"adapter", "message"}),
    }
    for field, keys in needed.items():
        for item in record[field]:
            lacking = sorted(keys - set(item)) if isinstance(item, dict) else ["everything"]
            if lacking:
                raise ContractError(f"{where}: an item of {field} lacks {', '.join(lacking)}: {item!r:.80}")
