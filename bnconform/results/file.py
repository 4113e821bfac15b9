"""The files of a run: `results.jsonl` is written line by line and read back for the report.

Rules: a line is strict JSON, on disk as soon as it is known; the end line comes last, so that a file without it is an
interrupted run and is said to be one; nothing is deleted that a run of bnconform did not write.
"""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, NoReturn, cast

from bnconform.contract.errors import ContractError
from bnconform.contract.files import write_whole
from bnconform.results.records import LARGEST, DefectRecord, End, Finding, RunRecord, plain
from bnconform.results.schema import check_record

FILE = "results.jsonl"
PAGES = ("index.html", "specs.html", "choices.html")
GENERATOR = '<meta name="generator" content="bnconform">'


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
    if end is not None and end["findings"] != len(findings):
        lost = f"{len(findings)} findings, but the end line counts {end['findings']}; lines were lost"
        raise ContractError(f"{path}: {lost}")
    return Results(run=cast(RunRecord, run), findings=findings, defects=defects, end=end, path=path)


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


def _key(finding: Finding) -> tuple[str, ...]:
    return finding["spec"], finding["implementation"], finding["version"], finding["dtype"], finding["device"]


class ResultsWriter:
    """Writes the lines of one run to `out`/results.jsonl; clears the files of a previous run there first.

    A context manager: leaving it closes the file. Only `end` writes the last line, so an exception leaves a file that
    says that its run was interrupted. Raises ContractError for a line that breaks the contract.
    """

    def __init__(self, out: Path | str) -> None:
        self.out = Path(out)
        self.out.mkdir(parents=True, exist_ok=True)
        clear_output(self.out)
        self._file = (self.out / FILE).open("w", encoding="utf-8", newline="\n")
        self._verdicts: Counter[str] = Counter()

    def __enter__(self) -> ResultsWriter:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._file.close()

    def run(self, record: RunRecord) -> None:
        """Writes the first line."""
        self._write(record)

    def finding(self, record: Finding) -> None:
        """Writes one finding; numbers that are not finite are spelled as the contract has it."""
        ratio = record["worst_ratio"]
        if ratio is not None:
            ratio = float(ratio) if math.isfinite(ratio) else LARGEST
        self._write({**record, "worst_ratio": ratio})
        self._verdicts[record["verdict"]] += 1

    def defect(self, record: DefectRecord) -> None:
        """Writes one defect; after the findings, of which it explains some."""
        self._write(record)

    def end(self, *, seconds: float, exit_status: int) -> None:
        """Writes the last line, with the counts of the findings before it, and closes the file."""
        verdicts = dict(self._verdicts)
        counts = {"findings": self._verdicts.total(), "verdicts": verdicts}
        self._write({"kind": "end", **counts, "seconds": float(seconds), "exit_status": int(exit_status)})
        self._file.close()

    def _write(self, record: Mapping[str, Any]) -> None:
        checked = {"kind": record["kind"]} | check_record(plain(record), f"the {record['kind']} line to be written")
        try:
            line = json.dumps(checked, allow_nan=False, ensure_ascii=False)
        except (TypeError, ValueError) as error:
            raise ContractError(f"the {record['kind']} line to be written is not JSON: {error}") from error
        self._file.write(line + "\n")
        self._file.flush()


def write_pages(folder: Path, pages: Mapping[str, str]) -> None:
    """Writes pages by name into `folder`, which is made where it is not there; older ones are replaced together."""
    folder.mkdir(parents=True, exist_ok=True)
    write_whole({folder / name: page for name, page in pages.items()})


def clear_output(out: Path) -> None:
    """Removes the files that a previous run wrote to `out`, and nothing else; ContractError where the files are not a
    run's."""
    results, pages = out / FILE, _pages(out)
    artefacts = [*out.glob("witnesses/*.safetensors"), *out.glob("reproduce/*.py"), *out.glob("scripts/*.py")]
    ours = results.is_file() and _is_ours(results)
    strangers = [path for path in (results, *artefacts) if path.exists() and not ours]
    strangers += [page for page in pages if not _is_our_page(page)]
    if strangers:
        raise ContractError(f"{strangers[0]} is not of an earlier bnconform run; choose another --out or remove it")
    for page in pages:  # first: a page without its files would pass for a finished report
        page.unlink()
    if ours:
        results.write_bytes(b"")  # so that results never outlive their witnesses; an empty file counts as ours
        for path in artefacts:
            path.unlink()
        results.unlink()


def _pages(out: Path) -> list[Path]:
    """Returns the pages of a report that lie in a folder."""
    return [path for path in (*(out / name for name in PAGES), *out.glob("framework-*.html")) if path.exists()]


def _is_ours(path: Path) -> bool:
    with path.open("rb") as file:
        first = file.readline()
    return not first or first.replace(b" ", b"").startswith(b'{"kind":"run"')


def _is_our_page(page: Path) -> bool:
    return page.is_file() and GENERATOR in page.read_text(encoding="utf-8", errors="replace")[:2000]
