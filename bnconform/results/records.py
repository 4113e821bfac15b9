"""The shapes of the lines of `results.jsonl`: run, finding, note, defect, end.

Rules: a record is plain JSON and never holds a number that is not finite; the fields only grow. The files in `schemas/`
state the same for readers of any language, and a test holds both to each other.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any, Literal, NotRequired, TypedDict, cast

import numpy as np

from bnconform.analysis.diagnosis.diagnosis import Likely
from bnconform.contract.case import PER_CHANNEL as PER_CHANNEL
from bnconform.contract.case import Case
from bnconform.contract.dtypes import NARROW as NARROW
from bnconform.engine.agreement import BAD as BAD
from bnconform.engine.agreement import Verdict as Verdict
from bnconform.results.run_line import ImplementationRecord as ImplementationRecord
from bnconform.results.run_line import Plan as Plan
from bnconform.results.run_line import RunRecord as RunRecord
from bnconform.results.run_line import SpecRecord as SpecRecord

SCHEMA = 1

LARGEST = 1.7976931348623157e308  # stands for a ratio that is not finite

SHOWN: tuple[Verdict, ...] = ("fails", "crashes", "hangs", "deviates")
"""Verdicts of which a case is shown, the gravest first."""
WORST_FIRST: tuple[Verdict, ...] = (*SHOWN, "unsupported", "conforms")
"""All verdicts, in the order in which a report counts them."""
Number = float | str  # "nan", "inf" and "-inf" are strings: JSON has no such numbers
ARRAYS = ("x", *PER_CHANNEL, "dy")
"""The arrays of a case that every implementation knows, in the order in which they are shown."""
Absence = Literal["not offered", "not taken", "refused", "not asked", "no claim", "not run", "no answer"]
Nested = Any  # a number or nested lists of numbers: recursive types buy nothing here


class CaseRecord(TypedDict):
    """A Case with its arrays as nested lists. layer, groups, bias: where x is the weight of a layer; shards: where the
    batch is shared out over replicas; malformed: what is wrong with the shape of an array; between, between_mode: of a
    call before the backward pass; wanted: the gradients that were asked for; held_gamma, held_beta: what those of γ and
    β held before; checkpointed: whether the forward pass ran again; earlier: the input of two calls before."""

    mode: str
    dtype: str
    shape: list[int]
    axis: int
    eps: Number
    momentum: Number
    x: Nested
    gamma: Nested
    beta: Nested
    running_mean: Nested
    running_var: Nested
    dy: Nested
    layer: NotRequired[str]
    groups: NotRequired[int]
    bias: NotRequired[Nested]
    shards: NotRequired[list[int]]
    malformed: NotRequired[str]
    between: NotRequired[Nested]
    between_mode: NotRequired[str]
    wanted: NotRequired[list[str]]
    held_gamma: NotRequired[Nested]
    held_beta: NotRequired[Nested]
    checkpointed: NotRequired[bool]
    earlier: NotRequired[Nested]


class ShownRecord(TypedDict):
    """One of the cases that the statement asked, and the output of it that is furthest from right.

    output: empty where the case raised.
    """

    case: CaseRecord
    output: str
    index: list[int]
    actual_values: Nested
    expected_values: Nested
    bound_values: Nested


class Detail(TypedDict, total=False):
    """The witness of a finding: its case, its worst element and the three arrays that were compared.

    shown: the answer that is wrong by itself, and the very case that it answered.
    """

    shown: ShownRecord

    index: list[int] | None
    actual: Number | None
    expected: Number | None
    bound: Number | None
    case: CaseRecord | None
    actual_values: Nested
    expected_values: Nested
    bound_values: Nested
    traceback: str | None
    stderr: str | None


class Cause(TypedDict):
    """The reason of a known deviation, and a link to read about it."""

    fault: Literal["implementation", "adapter", "by-design"]
    reason: str
    link: str


class Known(Cause, total=False):
    """The cause of a finding that the registry of deviations knows.

    script: the path of one that shows it, where the link leads elsewhere. defect, title, severity, effect: what it is a
    cause of. stale: `entry` of the registry no longer holds, as `words` say.
    """

    script: str
    defect: str
    title: str
    severity: str
    effect: str
    stale: bool
    entry: str
    words: str


class OwnErrorRecord(TypedDict):
    """An error of bnconform's own, and what it happened in."""

    during: str
    type: str
    words: str
    traceback: str


class Repetition(TypedDict):
    """In how many calls of the same case something was shown, and of how many."""

    shown: int
    asked: int


class UnrepeatedRecord(Repetition):
    """What one call showed, in words, and other calls of the same case did not."""

    what: str


class Finding(TypedDict):
    """One spec × implementation × dtype × device with its verdict.

    declared: the field of the Dialect by which the implementation departs from the statement. output: the output that
    was compared, where it is one. basis: "prudence" where no document makes the statement. likewise: the faults that
    break it in the same quantity, where none explains the values. missing: of an unsupported one, what there was none
    of: an output ("not offered"), a way to take such cases ("not taken"), an answer without an error ("refused"), a
    question ("not asked"), a finite bound ("no claim"), time ("not run") or an answer to ordinary cases, where silence
    alone kept it ("no answer"). only: the condition under which ordinary cases are wrong, in words. slip: what would
    give such values, according to the smoke test, in words. error: the first of bnconform's own. lacks: where an output
    is not offered, the gradients that are not returned, though others are. accuracy: of y in training the worst
    channels by condition and size: κ = √(1 + μ²/σ²), the number of values, and the error in unit roundoffs of the
    channel's largest value. beside_reference: the process that answered had loaded bnconform's own reference, so that
    its answers may be the judge's. notes: what went wrong beside the verdict, such as a file that could not be written.
    beside: where several runs are merged, what tells its environment from the others of the same version.
    """

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
    fault: NotRequired[Literal["adapter", "implementation", "bnconform", "unknown"] | None]
    reason: NotRequired[str]
    raises: NotRequired[str | None]
    declared: NotRequired[str]
    output: NotRequired[str]
    basis: NotRequired[str]
    likewise: NotRequired[list[str]]
    missing: NotRequired[Absence]
    only: NotRequired[str]
    accuracy: NotRequired[list[list[float]]]
    error: NotRequired[OwnErrorRecord]
    lacks: NotRequired[list[str]]
    beside_reference: NotRequired[bool]
    slip: NotRequired[str]
    explanation: NotRequired[str]
    compared: NotRequired[int]
    detail: NotRequired[Detail | None]
    known: NotRequired[Known]
    repeated: NotRequired[Repetition]
    unrepeated: NotRequired[list[UnrepeatedRecord]]
    notes: NotRequired[list[str]]
    beside: NotRequired[str]


class Note(TypedDict):
    """A file of a finding that could not be written, told after the finding, which named it."""

    kind: Literal["note"]
    spec: str
    implementation: str
    version: str
    dtype: str
    device: str
    file: str
    words: str


class DefectRecord(TypedDict):
    """One cause, and what it explains.

    severity: one of results.defects.SEVERITIES. known: whether the registry of deviations knows it. words: how far its
    name explains the findings, where it was inferred. beside: the fault together with which alone `likely` explains
    them. findings: how many. shown: spec, implementation, dtype and device of the finding that shows it best. script:
    the path of the script that shows it, beside the results; status: the exit status of that script when it was
    written, 1 where it shows the defect, 2 where it ended with an error; None: it did not run.
    """

    kind: Literal["defect"]
    id: str
    title: str
    severity: str
    effect: str
    known: bool
    fault: str
    likely: str
    beside: NotRequired[str]
    words: str
    implementations: list[str]
    dtypes: list[str]
    specs: list[str]
    findings: int
    shown: list[str]
    link: str
    script: str | None
    status: int | None


class End(TypedDict):
    """The last line: without it the run was interrupted."""

    kind: Literal["end"]
    findings: int
    verdicts: dict[str, int]
    seconds: float
    exit_status: int


def is_stale(record: Finding) -> bool:
    """Returns whether a finding's entry in the registry of deviations no longer holds."""
    return record.get("known", {}).get("stale", False)


def is_flaky(record: Finding) -> bool:
    """Returns whether a failure was not shown by every call of its case."""
    return "repeated" in record and record["repeated"]["shown"] < record["repeated"]["asked"]


def told_verdict(record: Finding) -> str:
    """Returns the verdict as people are told it: what does not repeat is "flaky"."""
    return "flaky" if is_flaky(record) else record["verdict"]


def beside_reference(findings: Iterable[Finding]) -> list[str]:
    """Returns the implementations that answered from a process that had loaded bnconform's own reference."""
    return list(dict.fromkeys(one["implementation"] for one in findings if one.get("beside_reference")))


def is_known(record: Finding) -> bool:
    """Returns whether a finding is one that the registry of deviations knows, and that still is as it says."""
    return "known" in record and not is_stale(record)


def plain(value: Any) -> Any:
    """Returns `value` as strict JSON in UTF-8 holds it: arrays as nested lists, numbers that are not finite as strings,
    halves of surrogate pairs, which no file can hold, as U+FFFD."""
    if isinstance(value, np.ndarray):
        with np.errstate(invalid="ignore"):  # a NaN that signals is a NaN
            wide = value.astype(np.float64) if value.dtype.kind not in "biu" else value
        return plain(wide.tolist())
    if isinstance(value, np.generic):
        return plain(value.item())
    if isinstance(value, float):
        return value if math.isfinite(value) else str(value)
    if isinstance(value, str) and not value.isascii():
        return value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    if isinstance(value, Mapping):
        return {plain(key): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    return value


def case_record(case: Case) -> CaseRecord:
    """Returns `case` as a finding's detail holds it."""
    scalars = {"mode": case.mode, "dtype": case.dtype, "shape": list(case.x.shape), "axis": case.axis}
    scalars |= {"eps": plain(float(case.eps)), "momentum": plain(float(case.momentum))}
    further: dict[str, Any] = {"layer": case.layer, "groups": case.groups, "bias": case.bias}
    further |= {"shards": list(case.shards) or None, "malformed": case.malformed}
    further |= {"between": case.between, "between_mode": case.between_mode}
    further |= {"wanted": case.wanted, "held_gamma": case.held_gamma, "held_beta": case.held_beta}
    further |= {"checkpointed": case.checkpointed or None, "earlier": case.earlier}
    arrays = {name: getattr(case, name) for name in ARRAYS} | {k: v for k, v in further.items() if v is not None}
    return cast(CaseRecord, scalars | {name: plain(value) for name, value in arrays.items()})
