"""The files of a run as they are written: `results.jsonl` line by line, and the files of each finding.

Rules: a line is strict JSON, on disk as soon as it is known, and whole or not there; a finding stands in the file
before its own files are written, and one that could not be written is noted in a line of its own; an earlier run's
files stay until the first finding; the end line comes last.
"""

from __future__ import annotations

import contextlib
import json
import math
import os
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any

from bnconform.contract.errors import ContractError
from bnconform.contract.files import draft_of, write_all
from bnconform.results.file import Results, annotate
from bnconform.results.folder import FILE, Folder
from bnconform.results.records import LARGEST, DefectRecord, Finding, Note, RunRecord, plain
from bnconform.results.schema import check_record


class ResultsWriter:
    """Writes the lines of one run to `out`/results.jsonl.

    A context manager: leaving it closes the file and releases the folder. Only `end` writes the last line, so an
    exception leaves a file that says that its run was interrupted. The file takes its place, and the files of an
    earlier run are removed, with the first finding, or at once where there are none. Raises ContractError for a line
    that breaks the contract and for a folder that another run has.
    """

    def __init__(self, out: Path | str) -> None:
        self.out = Path(out)
        self.folder = Folder(self.out)
        self.placed = False
        self._resumed: Results | None = None
        self._draft = draft_of(self.out / FILE)
        self._file = -1
        self._length = 0
        self._verdicts: Counter[str] = Counter()
        self._pending: list[Note] = []

    def __enter__(self) -> ResultsWriter:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """Closes the file and releases the folder; without a finding, the files of an earlier run stand."""
        if self._file >= 0:
            os.close(self._file)
            self._file = -1
            if not self.placed:
                with contextlib.suppress(OSError):
                    self._draft.unlink(missing_ok=True)
        self.folder.release()

    def resume(self, earlier: Results) -> None:
        """Goes on with the interrupted run that is there: its findings stand before the first new one."""
        self._resumed = earlier

    def run(self, record: RunRecord) -> None:
        """Writes the first line; of a run that is resumed, its findings too."""
        line = _line(record)  # first: a line that cannot be written touches nothing
        earlier = self.folder.has_results
        self._file = os.open(self._draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND, 0o666)
        self._append(line)
        for one in () if self._resumed is None else self._resumed.findings:
            self._append(_line(one))
            self._verdicts[one["verdict"]] += 1
        if self._resumed is not None or not earlier:
            self._place()

    def finding(self, record: Finding, files: Mapping[str, bytes] | None = None) -> None:
        """Writes one finding, then its files; numbers that are not finite are spelled as the contract has it."""
        ratio = record["worst_ratio"]
        if ratio is not None:
            ratio = float(ratio) if math.isfinite(ratio) else LARGEST
        line = _line({**record, "worst_ratio": ratio})
        if not self.placed:
            self._place()
        self._append(line)
        self._verdicts[record["verdict"]] += 1
        for name, content in (files or {}).items():
            why = self.folder.keep(name, content)
            if why:
                self._note(record, name, why)

    def defect(self, record: DefectRecord) -> None:
        """Writes one defect; after the findings, of which it explains some."""
        self._append(_line(record))

    def end(self, *, seconds: float, exit_status: int) -> None:
        """Writes the last line, with the counts of the findings before it, and closes the file."""
        verdicts = dict(self._verdicts)
        counts = {"findings": self._verdicts.total(), "verdicts": verdicts}
        line = _line({"kind": "end", **counts, "seconds": float(seconds), "exit_status": int(exit_status)})
        if not self.placed:
            self._place()
        self._append(line)
        self.close()

    def _note(self, finding: Finding, name: str, why: str) -> None:
        """Notes that a file of a finding could not be written; where there is no room for that either, later."""
        note: Note = {
            "kind": "note",
            "spec": finding["spec"],
            "implementation": finding["implementation"],
            "version": finding["version"],
            "dtype": finding["dtype"],
            "device": finding["device"],
            "file": name,
            "words": f"{name} could not be written: {why}",
        }
        annotate(finding, note)
        self._pending.append(note)
        with contextlib.suppress(OSError):
            self._append(b"")

    def _place(self) -> None:
        """Lets the file take its place and removes what earlier runs left."""
        kept = () if self._resumed is None else self._resumed.findings
        names = [name for one in kept for name in (one["witness"], one["reproduce"]) if name is not None]
        os.replace(self._draft, self.out / FILE)
        self.placed = True
        self.folder.clear(names)

    def _append(self, line: bytes) -> None:
        """Writes what is pending and a line. One that cannot be written whole leaves the file as it was."""
        while self._pending:
            self._write(_line(self._pending[0]))
            del self._pending[0]
        self._write(line)

    def _write(self, line: bytes) -> None:
        try:
            write_all(self._file, line)
        except OSError:
            with contextlib.suppress(OSError):
                os.ftruncate(self._file, self._length)
            raise
        self._length += len(line)


def _line(record: Mapping[str, Any]) -> bytes:
    checked = {"kind": record["kind"]} | check_record(plain(record), f"the {record['kind']} line to be written")
    try:
        line = json.dumps(checked, allow_nan=False, ensure_ascii=False)
    except (TypeError, ValueError) as error:
        raise ContractError(f"the {record['kind']} line to be written is not JSON: {error}") from error
    return line.encode("utf-8") + b"\n"
