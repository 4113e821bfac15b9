"""Records as a stranger might write them: a full run and a full finding, and these with one place changed."""

from __future__ import annotations

import json
from collections.abc import Iterator
from copy import deepcopy
from pathlib import Path
from typing import Any

from bnconform.results.file import FILE
from worlds import records as world

Place = tuple[str | int, ...]
DEEP = 100_000
ARGUMENT = {"name": "eps", "default": "1e-05", "link": "https://example.org/eps", "on": "True", "off": "False"}
SETTINGS = {"call": "mini.batch_norm", "eps": ARGUMENT, "momentum": ARGUMENT, "weighs": "old", "cumulative": "",
            "scale": None, "shift": None, "affine": None, "state": None, "axis": None, "layouts": {"1": "NCHW"},
            "reduced": False, "channels": 1, "fixed": {}, "offers": ["training", "averages"]}  # fmt: skip
SCORE = {"faults": {"float32": 3}, "caught": {"float32": 3}, "median": 1.0, "worst": 5, "compared": 1000, "alarms": 0,
         "sources": "0123456789abcdef"}  # fmt: skip
LIKELY = {"fault": "epsilon_outside_the_root", "sentence": "ε is added.", "ratio": 0.3, "convention": False}
KNOWN = {"fault": "implementation", "reason": "why", "link": "https://example.org/1", "script": "mini/a.py",
         "defect": "sums-in-half", "title": "Sums in 16 bits", "severity": "ordinary", "effect": "Digits are lost.",
         "stale": True, "entry": "mini.toml, cause 1", "words": "it no longer holds"}  # fmt: skip


def full_run() -> dict[str, Any]:
    """Returns a run line in which every field is set."""
    spec = {**world.NORMALIZES, "given": "a training step", "formula": "y = x", "basis": "stated"}
    one = world.implementation(settings=SETTINGS, versions={"mini": "1.0"}, dialect={"running_var": "biased"},
                               links={"running_var": "https://example.org/var"})  # fmt: skip
    line: dict[str, Any] = world.run(specs=[spec], implementations=[one], selftest=SCORE, defaults={"variance": None})
    return _apart(line)


def full_finding(**changed: Any) -> dict[str, Any]:
    """Returns a finding in which every field is set."""
    told = {"verdict": "fails", "worst_ratio": 3.0, "witness": "witnesses/a.safetensors", "reproduce": "reproduce/a.py"}
    told |= {"diagnosis": [LIKELY], "explanation": "behaves like it", "raises": "ValueError", "declared": "running_var"}
    told |= {"output": "y", "basis": "prudence", "likewise": ["momentum_complemented"], "missing": "refused"}
    told |= {"accuracy": [[1.5, 4, 2.0], [90.0, 8, 70.0]], "only": "a constant channel"}
    arrays = {name: world.DETAIL[name] for name in ("actual_values", "expected_values", "bound_values")}
    shown = {"case": world.CASE, "output": "y", "index": [1, 0], **arrays}
    detail = {**world.DETAIL, "shown": shown, "traceback": "ValueError: odd", "stderr": "Aborted"}
    line: dict[str, Any] = world.finding(
        **{**told, "detail": detail, "fault": "implementation", "known": KNOWN, **changed}
    )
    return _apart(line)


def _apart(line: dict[str, Any]) -> dict[str, Any]:
    """Returns the line with no part that stands in two places, so that a change of one changes no other."""
    read: dict[str, Any] = json.loads(json.dumps(line))
    return read


def full_defect() -> dict[str, Any]:
    """Returns a defect."""
    told: dict[str, Any] = {"kind": "defect", "id": "mini/y", "title": "y is wrong", "severity": "ordinary"}
    told |= {"effect": "y is far from it", "known": False, "fault": "implementation", "likely": "", "words": ""}
    told |= {"implementations": ["mini.batch_norm"], "dtypes": ["float32"], "specs": ["normalizes_by_the_batch"]}
    told |= {"findings": 1, "shown": ["normalizes_by_the_batch", "mini.batch_norm", "float32", "cpu"], "link": ""}
    return {**told, "script": "scripts/mini_y.py", "status": 1}


def end_line(findings: int = 1) -> dict[str, Any]:
    """Returns a last line."""
    return {"kind": "end", "findings": findings, "verdicts": {"fails": 1}, "seconds": 1.0, "exit_status": 1}


def places(record: Any, at: Place = ()) -> Iterator[Place]:
    """Yields every place in a record, the record itself left out."""
    items = record.items() if isinstance(record, dict) else enumerate(record) if isinstance(record, list) else ()
    for key, value in items:
        yield (*at, key)
        yield from places(value, (*at, key))


def replaced(record: Any, at: Place, value: Any) -> Any:
    """Returns a copy of `record` with `value` at a place."""
    changed = deepcopy(record)
    inner = changed
    for key in at[:-1]:
        inner = inner[key]
    inner[at[-1]] = value
    return changed


def removed(record: Any, at: Place) -> Any:
    """Returns a copy of `record` without a place."""
    changed = deepcopy(record)
    inner = changed
    for key in at[:-1]:
        inner = inner[key]
    del inner[at[-1]]
    return changed


def write_lines(out: Path, *lines: Any) -> Path:
    """Writes a results file of these lines, records or texts as they are, and returns its path."""
    told = [line if isinstance(line, str) else json.dumps(line) for line in lines]
    out.mkdir(parents=True, exist_ok=True)
    (out / FILE).write_text("\n".join(told) + "\n", encoding="utf-8")
    return out / FILE
