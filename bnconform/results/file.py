"""The files of a run as they are read, line by line, several runs as one; and the pages that are made of them.

Rules: the end line comes last, so that a file without it is an interrupted run and is said to be one; what cannot be
read is told with file and line.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn, cast

from bnconform.contract.errors import ContractError
from bnconform.contract.files import inside, write_whole
from bnconform.results.folder import FILE, is_our_page
from bnconform.results.merging.beside import told_apart, with_beside
from bnconform.results.records import DefectRecord, End, Finding, Note, RunRecord
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
    def missing(self) -> str:
        """In words why the cell of a matrix could not be judged; empty where that is not so."""
        return str(self.run.get("cell", {}).get("missing", ""))

    @property
    def planned(self) -> int | None:
        """How many findings the run was to have; None for the files of earlier versions."""
        plan = self.run.get("plan")
        return None if plan is None else plan.get("share", plan["items"])


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
        """Whether any of the runs was interrupted, or is of a cell that could not be judged."""
        return any(results.interrupted or results.missing for results in self.runs)


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


def text_beside(results: Results, name: str) -> str:
    """Returns the text of a file that results name; empty where it is no text, or does not lie beside them."""
    try:
        return inside(results.path.parent, name).read_text(encoding="utf-8")
    except (OSError, ValueError, ContractError):
        return ""


def merge(results: Iterable[Results]) -> Merged:
    """Returns the runs, oldest first, and their findings; of the same spec, implementation, version, environment, dtype
    and device the one of the later run."""
    runs = tuple(sorted(results, key=lambda one: one.run["started"]))
    told = told_apart(one.run for one in runs)
    latest: dict[tuple[str, ...], tuple[Results, Finding]] = {}
    for place, one in enumerate(runs):
        apart = told.get(place, {})
        latest |= {_key(found): (one, found) for found in (with_beside(each, apart) for each in one.findings)}
    replaced = sum(len(one.findings) for one in runs) - len(latest)
    return Merged(runs=runs, findings=tuple(latest.values()), replaced=replaced)


def _key(finding: Finding | Note) -> tuple[str, ...]:
    named = finding["spec"], finding["implementation"], finding["version"], finding["dtype"], finding["device"]
    return *named, str(finding.get("beside", ""))


def write_pages(folder: Path, pages: Mapping[str, str]) -> None:
    """Writes pages by name into `folder`, which is made where it is not there; older ones are replaced together.

    Raises ContractError where a page of somebody else has the name of one, or what is there is no ordinary file.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for path in (folder / name for name in pages):
        if path.suffix == ".html" and os.path.lexists(path) and not is_our_page(path):
            raise ContractError(f"{path} is no page that bnconform wrote; choose another --out or remove it")
        if os.path.lexists(path) and (path.is_symlink() or not path.is_file()):  # as /dev/stdout, which root replaces
            raise ContractError(f"{path} is no ordinary file; expected the name of one to write, and no link")
    write_whole({folder / name: page for name, page in pages.items()})


def write_report_pages(folder: Path, pages: Mapping[str, str]) -> None:
    """Writes the pages of a report, and removes those of an older one that it does not have, of a framework say."""
    write_pages(folder, pages)
    for page in [*folder.glob("framework-*.html"), *folder.glob("versions.html")]:
        if page.name not in pages and is_our_page(page):
            page.unlink()
