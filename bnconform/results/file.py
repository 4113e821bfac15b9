"""The files of a run: `results.jsonl` is written line by line and read back for the report.

Rules: a line is strict JSON, on disk as soon as it is known; the end line comes last, so that a file without it is an
interrupted run and is said to be one; a finding stands in the file before its own files are written, and one that could
not be written is noted in a line of its own; an earlier run's files stay until the first finding.
"""

from __future__ import annotations

import contextlib
import json
import math
import os
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, NoReturn, cast

from bnconform.contract.errors import ContractError
from bnconform.contract.files import draft_of, write_all, write_whole
from bnconform.results.folder import FILE, Folder, is_our_page
from bnconform.results.records import LARGEST, DefectRecord, End, Finding, Note, RunRecord, plain
from bnconform.results.schema import check_record


@dataclass(frozen=True, kw_only=True)
class Results:
    """One run as its file tells it; `end` is None for a run that was interrupted.

    defects: the lines of what explains its findings; none in the files of earlier versions.
    """

    run: RunRecord
    findings: tuple[Finding, ...]
    end: End | None
    path: Path
    defects: tuple[DefectRecord, ...] = ()

    @property
    def interrupted(self) -> bool:
        """Whether the file lacks its last line."""
        return self.end is None

    @property
    def planned(self) -> int | None:
        """How many findings the run was to have; None for the files of earlier versions."""
        plan = self.run.get("plan")
        return None if plan is None else plan["items"]


@dataclass(frozen=True, kw_only=True)
class Merged:
    """Several runs as one: the findings of the later run replace those of the earlier where they are of the same key.

    `findings` pairs each with the run that it is from, since its witness lies beside that run's file. replaced: how
    many findings of earlier runs were.
    """

    runs: tuple[Results, ...]
    findings: tuple[tuple[Results, Finding], ...]
    replaced: int = 0

    @property
    def interrupted(self) -> bool:
        """Whether any of the runs was interrupted."""
        return any(results.interrupted for results in self.runs)


def read_results(path: Path | str) -> Results:
    """Reads `path`, a results.jsonl or the directory that holds one.

    Raises ContractError, with file and line, for a damaged file or one of another schema. A damaged last line is the
    mark of an interrupted run, and is taken for one.
    """
    path = Path(path) / FILE if Path(path).is_dir() else Path(path)
    try:
        lines = path.read_bytes().removesuffix(b"\n").split(b"\n")
    except OSError as error:
        raise ContractError(f"{path}: cannot be read: {error.strerror}") from error
    records = [_parse(line, path, number, last=number == len(lines)) for number, line in enumerate(lines, 1)]
    run, *rest = [record for record in records if record is not None] or [{"kind": "none"}]
    if run["kind"] != "run":
        raise ContractError(f"{path}, line 1: expected a run line; this is not the results file of a bnconform run")
    for number, record in enumerate(rest, 2):
        if record["kind"] == "run" or (record["kind"] == "end" and number != len(lines)):
            raise ContractError(f"{path}, line {number}: a {record['kind']} line, which belongs elsewhere")
    end = cast(End, rest.pop()) if rest and rest[-1]["kind"] == "end" else None
    defects = tuple(cast(DefectRecord, record) for record in rest if record["kind"] == "defect")
    findings = tuple(cast(Finding, record) for record in rest if record["kind"] == "finding")
    _add_notes(findings, [cast(Note, record) for record in rest if record["kind"] == "note"])
    results = Results(run=cast(RunRecord, run), findings=findings, defects=defects, end=end, path=path)
    counted = {"the end line counts": end and end["findings"], "its plan has": end and results.planned}
    for who, count in counted.items():
        if count is not None and count != len(findings):
            raise ContractError(f"{path}: {len(findings)} findings, but {who} {count}; lines were lost")
    return results


def _add_notes(findings: Iterable[Finding], notes: Iterable[Note]) -> None:
    """Puts into findings what notes tell of files that could not be written."""
    known = {_key(one): one for one in findings}
    for note in notes:
        if _key(note) in known:
            annotate(known[_key(note)], note)


def annotate(finding: Finding, note: Note) -> None:
    """Takes from a finding the file that could not be written, and says why it is not there."""
    if note["file"] == finding["witness"]:
        finding["witness"] = None
    if note["file"] == finding["reproduce"]:
        finding["reproduce"] = None
    finding["notes"] = [*finding.get("notes", ()), note["words"]]


def _parse(line: bytes, path: Path, number: int, *, last: bool) -> dict[str, Any] | None:
    try:
        record = json.loads(line.decode("utf-8"), parse_constant=_refuse)
    except ValueError as error:
        if last and number > 1:
            return None
        if last and not line:
            raise ContractError(f"{path}: empty, so its run was interrupted before it began") from error
        raise ContractError(f"{path}, line {number}: not a line of results: {error}") from error
    except RecursionError:
        raise ContractError(
            f"{path}, line {number}: lists or objects are nested too deeply; expected a line that bnconform wrote"
        ) from None
    return check_record(record, f"{path}, line {number}")


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is not JSON")


def merge(results: Iterable[Results]) -> Merged:
    """Returns the runs, oldest first, and their findings; of the same spec, implementation, version, dtype and device
    the one of the later run."""
    runs = tuple(sorted(results, key=lambda one: one.run["started"]))
    latest = {_key(finding): (one, finding) for one in runs for finding in one.findings}
    replaced = sum(len(one.findings) for one in runs) - len(latest)
    return Merged(runs=runs, findings=tuple(latest.values()), replaced=replaced)


def _key(finding: Finding | Note) -> tuple[str, ...]:
    return finding["spec"], finding["implementation"], finding["version"], finding["dtype"], finding["device"]


class ResultsWriter:
    """Writes the lines of one run to `out`/results.jsonl. resumed: the interrupted run there that it goes on with.

    A context manager: leaving it closes the file and releases the folder. Only `end` writes the last line, so an
    exception leaves a file that says that its run was interrupted. The file takes its place, and the files of an
    earlier run are removed, with the first finding, or at once where there are none. Raises ContractError for a line
    that breaks the contract and for a folder that another run has.
    """

    def __init__(self, out: Path | str, resumed: Results | None = None) -> None:
        self.out = Path(out)
        self.folder = Folder(self.out)
        self.placed = False
        self._resumed = resumed
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


def write_pages(folder: Path, pages: Mapping[str, str]) -> None:
    """Writes pages by name into `folder`, which is made where it is not there; older ones are replaced together.

    Raises ContractError where a page of somebody else has the name of one.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for path in (folder / name for name in pages if name.endswith(".html")):
        if os.path.lexists(path) and not is_our_page(path):
            raise ContractError(f"{path} is no page that bnconform wrote; choose another --out or remove it")
    write_whole({folder / name: page for name, page in pages.items()})


def write_report_pages(folder: Path, pages: Mapping[str, str]) -> None:
    """Writes the pages of a report, and removes those of an older one that it does not have, of a framework say."""
    write_pages(folder, pages)
    for page in folder.glob("framework-*.html"):
        if page.name not in pages and is_our_page(page):
            page.unlink()
