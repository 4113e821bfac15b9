"""A cell judged: its environment made, a run of its own through the host's interpreter, and what came of it.

Rules: a cell is judged by `bnconform run` in a process of its own, whose words stand in a file beside its results; what
could not be judged leaves results without a finding that say why; nothing is judged twice by the same sources.
"""

from __future__ import annotations

import contextlib
import json
import platform
import signal
import subprocess
import sys
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timezone
from hashlib import sha256
from pathlib import Path
from typing import Any

from bnconform.cli.session.resuming import digest
from bnconform.contract.address import installed_names
from bnconform.contract.errors import ContractError
from bnconform.contract.versions import installed
from bnconform.matrix.cells import Cell
from bnconform.matrix.environments import Environments, NotBuilt
from bnconform.results.file import Results, read_results
from bnconform.results.records import SCHEMA, RunRecord
from bnconform.results.text import clipped
from bnconform.results.writer import ResultsWriter

_LAST = 1000
"""Characters of the last words of a run that gave nothing."""


@dataclass(frozen=True)
class Outcome:
    """What came of a cell. status: of its run, 2 where it is missing or was not finished. kept: whether it had been
    judged before. ended: whether all that was asked of it was judged."""

    cell: Cell
    status: int
    words: str
    kept: bool = False
    ended: bool = False


class Judging:
    """Judges cells, in any number of threads. words: options of each run."""

    def __init__(self, out: Path, environments: Environments, words: Sequence[str]) -> None:
        self._out, self._environments, self._words = out, environments, list(words)
        self.made_by = sha256(json.dumps([digest([], None), self._words]).encode()).hexdigest()[:16]
        """Of bnconform's sources and the options: cells of which it differs are not compared."""
        self._stopped = threading.Event()
        self._running: set[subprocess.Popen[bytes]] = set()

    def stop(self) -> None:
        """Interrupts the runs, each of which keeps the findings that it has, and lets no other begin."""
        self._stopped.set()
        for process in list(self._running):
            with contextlib.suppress(ProcessLookupError):
                process.send_signal(signal.SIGINT)

    def judge(self, cell: Cell) -> Outcome:
        """Judges a cell, unless that was done before; returns what came of it."""
        folder = self._out / cell.name
        stated = _stated(cell, self.made_by)
        earlier = _earlier(folder, stated)
        if earlier is not None and earlier.end is not None and not earlier.missing:
            words = f"judged before, {_counted(earlier)}"
            return Outcome(cell, earlier.end["exit_status"], words, kept=True, ended=True)
        try:
            adapters = adapters_of(cell)
            with self._environments.of(cell) as environment:
                if self._stopped.is_set():
                    return Outcome(cell, 2, "not begun")
                named = [f"--adapter=python={environment.python}:{adapter}" for adapter in adapters]
                return self._run(cell, folder, stated, named, earlier)
        except NotBuilt as error:
            return self._missing(cell, folder, stated, str(error))

    def _run(
        self, cell: Cell, folder: Path, stated: dict[str, Any], named: list[str], earlier: Results | None
    ) -> Outcome:
        cell_words = [*named, f"--cell={json.dumps(stated)}"]
        status, said = 2, ""
        if earlier is not None and earlier.interrupted:
            status, said = self._call(folder, [f"--resume={folder}", *cell_words])
        if not self._stopped.is_set() and not _ended(folder, stated):  # what cannot be resumed is judged anew
            anew = [f"--out={folder}", "--without-variants", f"--device={cell.device}", *self._words, *cell_words]
            status, said = self._call(folder, [*anew, *(f"--implementation={glob}" for glob in cell.implementations)])
        results = _earlier(folder, stated)
        if results is not None and results.end is not None:
            return Outcome(cell, status, _counted(results), ended=True)
        if results is not None and results.findings:
            of = "" if results.planned is None else f" of {results.planned}"
            return Outcome(cell, 2, f"not finished, {len(results.findings)}{of} findings")
        if self._stopped.is_set():
            return Outcome(cell, 2, "interrupted before its first finding")
        return self._missing(cell, folder, stated, said or f"its run ended with status {status} and no findings")

    def _call(self, folder: Path, words: Sequence[str]) -> tuple[int, str]:
        """Runs `bnconform run`; returns its status and its last words."""
        folder.parent.mkdir(parents=True, exist_ok=True)
        log = folder.with_name(f"{folder.name}.log")
        with log.open("wb") as file:
            # In a session of its own, so that Ctrl-C reaches it once: from here.
            process = subprocess.Popen([sys.executable, "-m", "bnconform", "run", *words], stdin=subprocess.DEVNULL,
                                       stdout=file, stderr=file, start_new_session=True)  # fmt: skip
            self._running.add(process)
            try:
                if self._stopped.is_set():
                    process.send_signal(signal.SIGINT)
                status = process.wait()
            finally:
                self._running.discard(process)
        return status, " ".join(log.read_text(encoding="utf-8", errors="replace").split())[-_LAST:]

    def _missing(self, cell: Cell, folder: Path, stated: dict[str, Any], why: str) -> Outcome:
        """Writes results that hold no finding and say why."""
        with ResultsWriter(folder) as writer:
            writer.run(_record_of(cell, {**stated, "missing": clipped(why)}))
            writer.end(seconds=0.0, exit_status=2)
        return Outcome(cell, 2, f"MISSING: {why}")


def adapters_of(cell: Cell) -> list[str]:
    """Returns the modules of the adapters that judge a cell; raises NotBuilt for one that there is not."""
    known = installed_names()
    names = cell.adapters or tuple(name for name in known if name.partition("-")[0] == cell.framework)
    unknown = [name for name in names if name not in known and not name.endswith(".py")]
    if unknown or not names:
        got = f"there is no adapter {unknown[0]!r}" if unknown else f"no adapter has the namespace {cell.framework!r}"
        raise NotBuilt(f"{got}; expected some of {', '.join(known)}")
    return [known.get(name, name) for name in names]


def _stated(cell: Cell, made_by: str) -> dict[str, Any]:
    """Returns a cell as its results state it."""
    lists = {"pins": list(cell.requirements[1:]), "implementations": list(cell.implementations)}
    values = {name: getattr(cell, name) for name in ("name", "framework", "version", "python", "device")}
    return {**values, **lists, "adapters": list(cell.adapters), "made_by": made_by}


def _earlier(folder: Path, stated: dict[str, Any]) -> Results | None:
    """Returns the results of this very cell that lie in a folder, if any do."""
    with contextlib.suppress(ContractError):
        results = read_results(folder)
        found = {name: value for name, value in results.run.get("cell", {}).items() if name != "missing"}
        return results if found == stated else None
    return None


def _ended(folder: Path, stated: dict[str, Any]) -> bool:
    results = _earlier(folder, stated)
    return results is not None and results.end is not None and not results.missing


def _counted(results: Results) -> str:
    counts: dict[str, int] = {}
    for one in results.findings:
        counts[one["verdict"]] = counts.get(one["verdict"], 0) + 1
    seconds = "" if results.end is None else f" in {results.end['seconds']:.0f} s"
    return f"{', '.join(f'{count} {verdict}' for verdict, count in counts.items())}{seconds}"


def _record_of(cell: Cell, stated: dict[str, Any]) -> RunRecord:
    """Returns the first line of results of a cell that could not be judged."""
    return {
        "kind": "run",
        "schema": SCHEMA,
        "command": ["bnconform", "matrix", "run"],
        "started": datetime.now(timezone.utc).isoformat(timespec="seconds"),
        "environment": {"python": platform.python_version(), "platform": platform.platform()},
        "versions": installed("bnconform"),
        "seed": 0,
        "examples": 0,
        "timeout": 0.0,
        "device": cell.device,
        "specs": [],
        "implementations": [],
        "missing": [],
        "broken": [],
        "cell": stated,
    }
