"""The defects of a run on the screen: the worst first, in a few lines each, with the command that shows more.

Rules: what is new comes in full, what is known in one line each; numbers are those of the finding that shows a defect
best; nothing here decides anything.
"""

from __future__ import annotations

import math
import os
import textwrap
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal, get_args

from bnconform.engine.selection import Request
from bnconform.results.defects import Defect
from bnconform.results.proving import shown_best
from bnconform.results.records import DefectRecord, Finding, beside_reference

Detail = Literal["defects", "statements", "findings"]
DETAILS: tuple[Detail, ...] = get_args(Detail)
"""How much is told of what is wrong: defects alone, the statements that each breaks, or every finding as well."""
SEVERITY = {
    "ordinary": "silent on ordinary data",
    "unusual": "silent on unusual data or use",
    "loud": "loud: it raises, crashes or hangs",
    "prudence": "documented nowhere, asked for by prudence",
}
JUDGED_BY_ITSELF = (
    "{} answers from a process that has loaded bnconform's own reference: a verdict on answers that come from it says "
    "nothing; where they do not, leave out the import"
)
WIDTH = 116
MOST_VALUES = 12
"""How many values a case may hold to be shown on the screen."""


def told(
    defects: Sequence[Defect],
    records: Sequence[DefectRecord],
    out: Path | None,
    detail: Detail,
    stale: Sequence[str] = (),
) -> list[str]:
    """Returns the lines on what is wrong. stale: what the registry knows and no longer holds, in words."""
    by_id = {one["id"]: one for one in records}
    new = [one for one in defects if not one.known]
    known = [one for one in defects if one.known]
    lines = [f"stale: {words}" for words in stale]
    for one in new:
        lines += [*_in_full(one, by_id.get(one.id), out), *_statements(one, detail), ""]
    if known:
        lines += [f"known, with a cause: {len(known)} defect{'s' * (len(known) != 1)}"]
        for one in known:
            lines += [f"  {_framework(one)}: {one.title} ({len(one.findings)})", *_statements(one, detail)]
    return lines


def asides(findings: Sequence[Finding], request: Request, out: Path | None) -> list[str]:
    """Returns in words what an adapter may have forgotten, and each error of bnconform's own with what repeats it."""
    lines = [*_forgotten(findings), *map(JUDGED_BY_ITSELF.format, beside_reference(findings))]
    for found in findings:
        if "error" in found:
            what = f"{found['implementation']} {found['dtype']}: {found['spec']}"
            call = f"--implementation {found['implementation']} --dtype {found['dtype']} --spec {found['spec']}"
            if found["witness"] is None or out is None:
                call = f"run {call} --seed {request.seed} --examples {request.examples}"
            else:
                call = f"replay {_near(out / found['witness'])}"
            lines.append(
                f"{what}: an error of bnconform's own in {found['error']['during']}: {found['error']['words']}; "
                f"`bnconform {call}` repeats it"
            )
    return lines


def _forgotten(findings: Sequence[Finding]) -> list[str]:
    """Returns in words, once for each implementation and dtype, the gradients that are missing beside others."""
    lacking = Counter((one["implementation"], one["dtype"], *one["lacks"]) for one in findings if "lacks" in one)
    return [
        f"{name} {dtype} returns no {' and no '.join(outputs)}, but other gradients: {count} statements were not "
        "judged; the adapter may have forgotten it"
        for (name, dtype, *outputs), count in lacking.items()
    ]


def _framework(one: Defect) -> str:
    names = list(dict.fromkeys(name.partition(".")[0] for name in one.implementations))
    return ", ".join(names)


def _in_full(one: Defect, record: DefectRecord | None, out: Path | None) -> list[str]:
    shown = shown_best(one)
    found = f"{len(one.specs)} statement{'s' * (len(one.specs) != 1)}, {len(one.findings)} findings"
    lines = [
        f"✗ {one.title}" if one.fault == "adapter" else f"✗ {one.title}: {SEVERITY[one.severity]}",
        f"  {', '.join(one.implementations)} in {', '.join(one.dtypes)}; breaks {found}"
        + (f"; {one.words}" if one.words else ""),
        f"  {one.effect}",
        *_numbers(shown, one.effect),
    ]
    lines = [textwrap.shorten(line, WIDTH, placeholder=" …") if not line.startswith("  ") else line for line in lines]
    if record is not None and record["script"] is not None and out is not None:
        ran = {None: "did not run", 2: "ended with an error"}.get(
            record["status"], f"ran, exit status {record['status']}"
        )
        lines.append(f"  script  {_near(out / record['script'])} ({ran})")
    if shown["witness"] is not None and out is not None:
        lines.append(f"  more    bnconform replay {_near(out / str(shown['witness']))}")
    return [line if len(line) <= WIDTH else f"{line[: WIDTH - 2]} …" for line in lines]


def _near(path: Path) -> str:
    """Returns a path from the current folder on, where it lies below it."""
    try:
        return str(path.relative_to(os.getcwd()))
    except ValueError:
        return str(path)


def _numbers(shown: Finding, told: str) -> list[str]:
    """Returns the case and the answer that is wrong, where they are short enough to read; else a reason not `told`."""
    answer = (shown.get("detail") or {}).get("shown")
    if answer is None or not answer["output"] or math.prod(answer["case"]["shape"]) > MOST_VALUES:
        reason = shown.get("reason", "")
        return [] if reason == told else [f"  found   {reason}"]
    case = answer["case"]
    values = " ".join(_short(value) for value in _flat(case["x"]))
    given = [f"{'weight' if 'layer' in case else 'x'} = {values}", f"ε = {case['eps']:.6g}"]
    asked = _ASKED if case["mode"] == "train" else _ASKED_IN_INFERENCE
    named: dict[str, Any] = {name: value for name, value in case.items() if name in asked and value is not None}
    given += [f"{name} = {' '.join(map(_short, _flat(value)))}" for name, value in named.items()]
    got, due = _flat(answer["actual_values"]), _flat(answer["expected_values"])
    return [
        f"  for     {', '.join(given)}",
        f"  {answer['output']:7} {' '.join(map(_short, got))}; due: {' '.join(map(_short, due))}",
    ]


_ASKED = ("gamma", "beta", "dy")
_ASKED_IN_INFERENCE = (*_ASKED, "running_mean", "running_var", "bias")


def _flat(values: Any) -> list[Any]:
    return [one for value in values for one in _flat(value)] if isinstance(values, list) else [values]


def _short(value: Any) -> str:
    return f"{float(value):.6g}"


def _statements(one: Defect, detail: Detail) -> list[str]:
    return [f"    {spec}" for spec in one.specs] if detail != "defects" else []
