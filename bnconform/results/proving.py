"""The script of each defect: found, put beside the results, run once, its exit status kept.

Rules: a script that a person wrote for bnconform's own registry takes precedence, and one of another registry never
runs; of the findings the one is shown whose case has the fewest values; a script runs in a process of its own, in the
folder of scripts, and for a limited time.
"""

from __future__ import annotations

import contextlib
import math
import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from bnconform.results.defects import Defect
from bnconform.results.deviations.registry import FOLDER
from bnconform.results.evidence import stem_of
from bnconform.results.folder import Folder
from bnconform.results.records import DefectRecord, Finding

LIMIT = 120.0
"""Seconds that a script may take where nothing else is said; importing a framework takes most of them."""
LIMIT_OF_A_HANG = 10.0
"""Seconds for the script of what hangs, which is not expected to end."""
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
    """What the scripts of an implementation are run with. argument: its adapter as the user named it, where that
    is no module; variables: those that its host has beside the usual ones; limit: seconds that a script may take, as
    its adapter may take to start and to answer."""

    argument: str = ""
    variables: tuple[tuple[str, str], ...] = ()
    limit: float = LIMIT


def prove(
    defects: Sequence[Defect], folder: Folder, surroundings: Mapping[str, Surroundings], workers: int
) -> list[DefectRecord]:
    """Returns the record of each defect, its script written below the folder and run."""
    running: set[subprocess.Popen[bytes]] = set()
    pool = ThreadPoolExecutor(max(1, workers))
    try:
        return list(pool.map(lambda one: _proved(one, folder, surroundings, running), defects))
    except BaseException:  # an interrupt: nothing that was begun is waited for
        for process in list(running):
            _kill(process)
        raise
    finally:
        pool.shutdown(wait=False, cancel_futures=True)


def _proved(
    defect: Defect,
    folder: Folder,
    surroundings: Mapping[str, Surroundings],
    running: set[subprocess.Popen[bytes]],
) -> DefectRecord:
    shown, out = shown_best(defect), folder.out
    text = _script(defect, shown, out)
    name, status = None, None
    # A slash is the one sign that every id has and no file can.
    named = f"scripts/{stem_of(defect.id if '--' in defect.id else defect.id.replace('/', '--'))}.py"
    if text and not folder.keep(named, text.encode()):
        name = named
        # The script of the registry needs no adapter.
        around = Surroundings() if defect.known else surroundings.get(shown["implementation"], Surroundings())
        limit = min(LIMIT_OF_A_HANG, around.limit) if shown["verdict"] == "hangs" else around.limit
        status = _status(out / name, around, running, limit)
    return record_of(defect, shown, name, status)


def record_of(defect: Defect, shown: Finding, script: str | None, status: int | None) -> DefectRecord:
    """Returns the line of a defect."""
    record: DefectRecord = {
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
    if defect.beside:
        record["beside"] = defect.beside
    return record


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
                if path and "://" not in path and found.is_file() and FOLDER in found.resolve().parents:
                    return found.read_text(encoding="utf-8")
    own = shown["reproduce"]
    return (out / own).read_text(encoding="utf-8") if own is not None and (out / own).is_file() else ""


def _status(script: Path, around: Surroundings, running: set[subprocess.Popen[bytes]], limit: float) -> int | None:
    command = [sys.executable, "-c", _RUN, script.name, *([around.argument] if around.argument else [])]
    usual = {name: value for name, value in os.environ.items() if name != "KERAS_BACKEND"}
    environment = {**usual, "TF_CPP_MIN_LOG_LEVEL": "3", **dict(around.variables)}
    nothing = subprocess.DEVNULL
    try:
        process = subprocess.Popen(
            command,
            cwd=script.parent,
            env=environment,
            stdin=nothing,
            stdout=nothing,
            stderr=nothing,
            start_new_session=True,
        )
    except OSError:
        return None
    running.add(process)
    try:
        return process.wait(limit)
    except subprocess.TimeoutExpired:
        return None
    finally:
        running.discard(process)
        _kill(process)


def _kill(process: subprocess.Popen[bytes]) -> None:
    """Ends a script and all that it started."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
