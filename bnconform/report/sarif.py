"""The defects of runs as SARIF 2.1.0, which code scanning services and editors read.

Rules: a pure function of the merged runs; one result for each defect, and a rule of the same id; what the registry
knows is there too, suppressed; a place in a file is named where the adapter is a file of the user's, and nowhere else.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from pathlib import Path, PurePosixPath
from typing import Any, Literal
from urllib.parse import quote

import bnconform.report.columns as who
from bnconform.report.cards import SEVERITY
from bnconform.report.gathered import Gathered
from bnconform.results.defects import Defect, Severity
from bnconform.results.file import Merged, Results, merge, write_pages
from bnconform.results.proving import shown_best
from bnconform.results.text import visible

SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"
Level = Literal["error", "warning", "note"]
LEVELS: dict[Severity, Level] = {"ordinary": "error", "loud": "error", "unusual": "warning", "prudence": "note"}
_FILE = re.compile(r"(?:python=[^:]*:)?([^:]+\.py)")
"""The --adapter of a file, also in another interpreter."""


def write_sarif(results: Sequence[Results], path: Path) -> Path:
    """Writes the defects of one or more runs to `path` and returns it; an older file is replaced at once."""
    text = json.dumps(sarif(merge(results)), indent=2, ensure_ascii=False, allow_nan=False)
    write_pages(path.parent, {path.name: text + "\n"})
    return path


def sarif(merged: Merged) -> dict[str, Any]:
    """Returns the log of `merged`."""
    gathered = Gathered(merged)
    adapters = {one["name"]: one["adapter"] for one in who.implementations(merged)}
    newest = merged.runs[-1]
    driver: dict[str, Any] = {"name": "bnconform", "rules": [_rule(one) for one in gathered.defects]}
    if version := newest.run["versions"].get("bnconform"):
        driver["version"] = visible(version)
    run = {
        "tool": {"driver": driver},
        "invocations": [{"executionSuccessful": not merged.interrupted}],
        "columnKind": "unicodeCodePoints",
        "results": [_result(gathered, place, one, adapters) for place, one in enumerate(gathered.defects)],
    }
    return {"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}


def _rule(defect: Defect) -> dict[str, Any]:
    rule: dict[str, Any] = {
        "id": visible(defect.id),
        "shortDescription": {"text": visible(defect.title)},
        "defaultConfiguration": {"level": LEVELS[defect.severity]},
        "properties": {"severity": SEVERITY[defect.severity], "statements": list(map(visible, defect.specs))},
    }
    if defect.effect:
        rule["fullDescription"] = {"text": visible(defect.effect)}
    link = shown_best(defect).get("known", {}).get("link", "")
    return rule | ({"helpUri": link} if who.web(link) else {})


def _result(gathered: Gathered, place: int, defect: Defect, adapters: dict[str, str]) -> dict[str, Any]:
    shown = shown_best(defect)
    names = ", ".join(defect.implementations)
    count = len(defect.findings)
    words = f"{defect.title}: {names} in {', '.join(defect.dtypes)}, {count} finding{'s' if count != 1 else ''}."
    if reason := shown.get("reason"):
        words += f" Statement: {gathered.specs[shown['spec']]['sentence'] or shown['spec']} Found: {reason}."
    result: dict[str, Any] = {
        "ruleId": visible(defect.id),
        "ruleIndex": place,
        "level": LEVELS[defect.severity],
        "message": {"text": visible(words)},
        "locations": [_location(name, adapters.get(name, "")) for name in defect.implementations],
        "partialFingerprints": {"defect/v1": visible(defect.id)},
    }
    if defect.known:
        why = shown["known"]["reason"]
        result["suppressions"] = [{"kind": "external", "justification": visible(f"Known: {' '.join(why.split())}")}]
    return result


def _location(name: str, adapter: str) -> dict[str, Any]:
    """Returns where an implementation is: its name, and the adapter's file where that is one of the user's."""
    found: dict[str, Any] = {"logicalLocations": [{"fullyQualifiedName": visible(name), "kind": "function"}]}
    file = _FILE.fullmatch(adapter)
    path = PurePosixPath(file[1].replace("\\", "/")) if file else PurePosixPath("/")
    if not path.is_absolute() and ".." not in path.parts:
        place = {"uri": quote(path.as_posix()), "uriBaseId": "%SRCROOT%"}
        found["physicalLocation"] = {"artifactLocation": place}
    return found
