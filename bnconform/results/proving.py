"""The script of each defect: found, put beside the results, run once, its exit status kept.

Rules: a script that a person wrote for the registry takes precedence; of the findings the one is shown whose case has
the fewest values; a script runs in a process of its own, in the folder of scripts, and for a limited time.
"""

from __future__ import annotations

import math
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from bnconform.contract.files import write_whole
from bnconform.results.defects import Defect
from bnconform.results.deviations.registry import FOLDER
from bnconform.results.evidence import stem_of
from bnconform.results.records import DefectRecord, Finding

LIMIT = 120.0
"""Seconds that a script may take; importing a framework takes most of them."""
FAILED = 2
"""The exit status of a script that ended with an error of its own, for which Python's would be 1."""
_RUN = f"""
import runpy, sys, traceback
del sys.argv[0]
try:
    runpy.run_path(sys.argv[0], run_name="__main__")
except Exception:
    traceback.print_exc()
    sys.exit({FAILED})
"""


@dataclass(frozen=True, kw_only=True)
class Surroundings:
    """What the scripts of an implementation are run with. argument: the path of its adapter, where that is a file of
    the user's; variables: those that its host has beside the usual ones."""

    argument: str = ""
    variables: tuple[tuple[str, str], ...] = ()


def prove(
    defects: Sequence[Defect], out: Path, surroundings: Mapping[str, Surroundings], workers: int
) -> list[DefectRecord]:
    """Returns the record of each defect, its script written below `out` and run."""
    with ThreadPoolExecutor(max(1, workers)) as pool:
        return list(pool.map(lambda one: _proved(one, out, surroundings), defects))


def _proved(defect: Defect, out: Path, surroundings: Mapping[str, Surroundings]) -> DefectRecord:
    shown = shown_best(defect)
    text = _script(defect, shown, out)
    name, status = None, None
    if text:
        name = f"scripts/{stem_of(defect.id)}.py"
        (out / name).parent.mkdir(parents=True, exist_ok=True)
        write_whole({out / name: text})
        # The script of the registry needs no adapter.
        around = Surroundings() if defect.known else surroundings.get(shown["implementation"], Surroundings())
        status = _status(out / name, around)
    return record_of(defect, shown, name, status)


def record_of(defect: Defect, shown: Finding, script: str | None, status: int | None) -> DefectRecord:
    """Returns the line of a defect."""
    return {
        "kind": "defect",
        "id": defect.id,
        "title": defect.title,
        "severity": defect.severity,
        "effect": defect.effect,
        "known": defect.known,
        "fault": defect.fault,
        "likely": defect.likely,
        "words": defect.words,
        "implementations": defect.implementations,
        "dtypes": defect.dtypes,
        "specs": defect.specs,
        "findings": len(defect.findings),
        "shown": [shown["spec"], shown["implementation"], shown["dtype"], shown["device"]],
        "link": shown.get("known", {}).get("link", ""),
        "script": script,
        "status": status,
    }


def shown_best(defect: Defect) -> Finding:
    """Returns the finding that shows a defect best: one answer wrong by itself, named,
    of the case as it was drawn, on the fewest values."""

    def place(one: Finding) -> tuple[bool, bool, bool, int]:
        detail = one.get("detail") or {}
        shown, drawn = detail.get("shown"), detail.get("case")
        case = shown["case"] if shown else drawn
        named = not defect.likely or any(each["fault"] == defect.likely for each in one["diagnosis"])
        return not named, shown is None, case != drawn, math.prod(case["shape"]) if case else 10**9

    return min(defect.findings, key=place)


def _script(defect: Defect, shown: Finding, out: Path) -> str:
    """Returns the text of the registry's script, or of the one of the finding that shows the defect best."""
    if defect.known:
        for one in defect.findings:
            known = one["known"]
            for path in (known.get("script", ""), known["link"]):
                found = FOLDER.parents[2] / path
                if path and "://" not in path and found.is_file():
                    return found.read_text(encoding="utf-8")
    own = shown["reproduce"]
    return (out / own).read_text(encoding="utf-8") if own is not None and (out / own).is_file() else ""


def _status(script: Path, around: Surroundings) -> int | None:
    command = [sys.executable, "-c", _RUN, script.name, *([around.argument] if around.argument else [])]
    usual = {name: value for name, value in os.environ.items() if name != "KERAS_BACKEND"}
    environment = {**usual, "TF_CPP_MIN_LOG_LEVEL": "3", **dict(around.variables)}
    try:
        return subprocess.run(
            command, cwd=script.parent, env=environment, timeout=LIMIT, check=False, capture_output=True
        ).returncode
    except (OSError, subprocess.TimeoutExpired):
        return None
