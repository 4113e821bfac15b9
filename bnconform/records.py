"""The shapes of the lines of `results.jsonl`: run, finding, end.

Rules: a record is plain JSON and never holds a number that is not finite; the fields only grow; a record that lacks a
field, or has one of the wrong type, is refused with its place and the field's name.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from types import NoneType
from typing import Any, Literal, NotRequired, TypedDict, cast

import numpy as np

from bnconform.case import Case, ContractError

SCHEMA = 1

LARGEST = 1.7976931348623157e308  # stands for a ratio that is not finite

Verdict = Literal["conforms", "deviates", "fails", "unsupported", "crashes", "hangs"]
VERDICTS: tuple[Verdict, ...] = ("fails", "crashes", "hangs", "deviates", "unsupported", "conforms")
Number = float | str  # "nan", "inf" and "-inf" are strings: JSON has no such numbers
Nested = Any  # a number or nested lists of numbers: recursive types buy nothing here


class _Stated(TypedDict):
    id: str
    chapter: str
    sentence: str
    latex: str
    source: str


class SpecRecord(_Stated, total=False):
    """A spec as the run line states it; `given` says in words which cases it is tried on."""

    given: str


class _Described(TypedDict):
    name: str
    version: str
    adapter: str
    dtypes: list[str]
    devices: list[str]
    dialect: dict[str, Any]
    links: dict[str, str]


class ImplementationRecord(_Described, total=False):
    """An implementation as the run line states it; `dialect` holds the fields that are not the default, `settings` what
    a user writes, where that is known."""

    settings: dict[str, Any] | None


class RunRecord(TypedDict):
    """The first line: what was asked for, of what, where."""

    kind: Literal["run"]
    schema: int
    command: list[str]
    started: str
    environment: dict[str, Any]
    versions: dict[str, str]
    seed: int
    examples: int
    timeout: float
    device: str
    specs: list[SpecRecord]
    implementations: list[ImplementationRecord]
    missing: list[dict[str, str]]
    broken: list[dict[str, str]]
    selftest: NotRequired[dict[str, Any] | None]


class CaseRecord(TypedDict):
    """A Case with its arrays as nested lists."""

    mode: str
    dtype: str
    shape: list[int]
    axis: int
    eps: float
    momentum: float
    x: Nested
    gamma: Nested
    beta: Nested
    running_mean: Nested
    running_var: Nested
    dy: Nested


class Detail(TypedDict, total=False):
    """The witness of a finding: its case, its worst element and the three arrays that were compared."""

    index: list[int]
    actual: Number | None
    expected: Number | None
    bound: Number | None
    case: CaseRecord | None
    actual_values: Nested
    expected_values: Nested
    bound_values: Nested
    traceback: str | None
    stderr: str | None


class Likely(TypedDict):
    """A known fault that explains a finding: its worst ratio over all outputs, and whether it is a convention."""

    fault: str
    sentence: str
    ratio: float
    convention: bool


class _Cause(TypedDict):
    fault: Literal["implementation", "adapter", "by-design"]
    reason: str
    link: str


class Known(_Cause, total=False):
    """The cause of a finding that the registry of deviations knows; stale: `entry` of the registry no longer holds,
    as `words` say."""

    stale: bool
    entry: str
    words: str


class Finding(TypedDict):
    """One spec × implementation × dtype × device with its verdict."""

    kind: Literal["finding"]
    spec: str
    implementation: str
    version: str
    dtype: str
    device: str
    verdict: Verdict
    worst_ratio: float | None
    quantity: str | None
    examples: int
    claimed: float | None
    diagnosis: list[Likely]
    witness: str | None
    reproduce: str | None
    fault: NotRequired[Literal["adapter", "implementation"] | None]
    reason: NotRequired[str]
    explanation: NotRequired[str]
    compared: NotRequired[int]
    detail: NotRequired[Detail | None]
    known: NotRequired[Known]


class End(TypedDict):
    """The last line: without it the run was interrupted."""

    kind: Literal["end"]
    findings: int
    verdicts: dict[str, int]
    seconds: float
    exit_status: int


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
}
_END_TYPES: _Types = {"findings": int, "verdicts": dict, "seconds": (int, float), "exit_status": int}
_TYPES: dict[str, _Types] = {"run": _RUN_TYPES, "finding": _FINDING_TYPES, "end": _END_TYPES}
# __optional_keys__ is empty where annotations wait.
_OPTIONAL = frozenset({"fault", "reason", "explanation", "compared", "detail", "known"})


def check_record(record: Any, where: str) -> dict[str, Any]:
    """Returns `record` if it is a run, finding or end line; otherwise raises ContractError, beginning with `where`."""
    kind = record.get("kind") if isinstance(record, dict) else None
    if kind not in _TYPES:
        raise ContractError(f"{where}: expected an object whose kind is run, finding or end; got {record!r:.80}")
    for name, expected in _TYPES[kind].items():
        if name not in record and name not in _OPTIONAL:
            raise ContractError(f"{where}: a {kind} line without {name!r}")
        if name in record and not isinstance(record[name], expected):
            raise ContractError(f"{where}: {name} is {record[name]!r:.80}; expected {expected}")
    if kind == "finding" and record["verdict"] not in VERDICTS:
        raise ContractError(f"{where}: verdict is {record['verdict']!r}; expected one of {VERDICTS}")
    if kind == "finding" and not _Cause.__required_keys__ <= set(record.get("known", _Cause.__required_keys__)):
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


def is_stale(record: Finding) -> bool:
    """Returns whether the registry of deviations says of a finding what no longer holds."""
    return record.get("known", {}).get("stale", False)


def is_known(record: Finding) -> bool:
    """Returns whether a finding is one that the registry of deviations knows, and that still is as it says."""
    return "known" in record and not is_stale(record)


def plain(value: Any) -> Any:
    """Returns `value` as strict JSON holds it: arrays as nested lists, numbers that are not finite as strings."""
    if isinstance(value, np.ndarray):
        wide = value.astype(np.float64) if value.dtype.kind not in "biu" else value
        return plain(wide.tolist())
    if isinstance(value, np.generic):
        return plain(value.item())
    if isinstance(value, float):
        return value if math.isfinite(value) else str(value)
    if isinstance(value, Mapping):
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    return value


def case_record(case: Case) -> CaseRecord:
    """Returns `case` as a finding's detail holds it."""
    names = ("x", "gamma", "beta", "running_mean", "running_var", "dy")
    scalars = {"mode": case.mode, "dtype": case.dtype, "shape": list(case.x.shape), "axis": case.axis}
    scalars |= {"eps": plain(float(case.eps)), "momentum": plain(float(case.momentum))}
    return cast(CaseRecord, scalars | {name: plain(getattr(case, name)) for name in names})
