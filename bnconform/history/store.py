"""The file that keeps the rows of all runs: SQLite, to be asked by any of its tools, and Parquet made of it.

Rules: a run is known by its first line, so that one that is added twice, or was resumed, stands once; a file of
somebody else is never written to; nothing of the machine's folders is kept.
"""

from __future__ import annotations

import importlib
import json
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from hashlib import sha256
from pathlib import Path

from bnconform.contract.errors import CallError, ContractError
from bnconform.history.row import Release, Row, rows_of
from bnconform.results.file import Results

APPLICATION = 0x626E6331
"""What marks the file as one of bnconform's histories: "bnc1"."""
TABLES = """
CREATE TABLE run (id TEXT PRIMARY KEY, started TEXT NOT NULL, device TEXT NOT NULL, seed INTEGER, examples INTEGER,
    complete INTEGER NOT NULL, findings INTEGER NOT NULL, versions TEXT NOT NULL);
CREATE TABLE finding (run TEXT NOT NULL REFERENCES run ON DELETE CASCADE, implementation TEXT NOT NULL,
    version TEXT NOT NULL, beside TEXT NOT NULL, spec TEXT NOT NULL, dtype TEXT NOT NULL, device TEXT NOT NULL,
    verdict TEXT NOT NULL, missing TEXT NOT NULL, defect TEXT NOT NULL, title TEXT NOT NULL,
    PRIMARY KEY (run, implementation, version, spec, dtype, device));
CREATE INDEX by_implementation ON finding (implementation, version);
"""
COLUMNS = ("implementation", "version", "beside", "spec", "dtype", "device", "verdict", "missing", "defect", "title")
_SELECT = (
    f"SELECT {', '.join(f'finding.{name}' for name in COLUMNS)}, started FROM finding JOIN run ON run.id = finding.run"
)


def add(path: Path, runs: Sequence[Results]) -> tuple[int, int]:
    """Adds runs to the history at `path`, which is made where it is not there; returns how many are new to it, and how
    many replaced what it had of them."""
    path.parent.mkdir(parents=True, exist_ok=True)
    new = 0
    with _opened(path, write=True) as file, file:
        for one in runs:
            name = _id(one)
            new += not file.execute("DELETE FROM run WHERE id = ?", (name,)).rowcount
            told = (name, one.run["started"], one.run["device"], one.run["seed"], one.run["examples"],
                    not one.interrupted, len(one.findings), json.dumps(one.run["versions"]))  # fmt: skip
            file.execute("INSERT INTO run VALUES (?, ?, ?, ?, ?, ?, ?, ?)", told)
            places = ", ".join("?" * (len(COLUMNS) + 1))
            file.executemany(
                f"INSERT INTO finding VALUES ({places})", ((name, *_values(row)) for row in rows_of([one]))
            )
    return new, len(runs) - new


def read(path: Path, implementation: str = "*") -> list[Row]:
    """Returns the rows of implementations of such a name, a glob."""
    if not path.is_file():
        raise CallError(f"{path}: there is no history yet; make one with: bnconform history --add RESULTS")
    with _opened(path) as file:
        return [
            Row(implementation=name, release=Release(version, beside), spec=spec, dtype=dtype, device=device,
                verdict=verdict, missing=missing, defect=defect, title=title, started=started)
            for name, version, beside, spec, dtype, device, verdict, missing, defect, title, started
            in file.execute(f"{_SELECT} WHERE implementation GLOB ? ORDER BY started", (implementation,))
        ]  # fmt: skip


def write_parquet(path: Path, out: Path) -> int:
    """Writes all findings, each with its run, to one file of Parquet; returns how many."""
    try:
        arrow, parquet = importlib.import_module("pyarrow"), importlib.import_module("pyarrow.parquet")
    except ImportError:
        raise CallError("--parquet needs pyarrow, which is not installed: pip install 'bnconform[parquet]'") from None
    with _opened(path) as file:
        found = file.execute("SELECT finding.*, started, seed, examples FROM finding JOIN run ON run.id = finding.run")
        names = [column[0] for column in found.description]
        rows = found.fetchall()
    columns = {name: [row[at] for row in rows] for at, name in enumerate(names)}
    parquet.write_table(arrow.table(columns), out)
    return len(rows)


@contextmanager
def _opened(path: Path, *, write: bool = False) -> Iterator[sqlite3.Connection]:
    """Opens a history, or makes one; raises ContractError for a file that is none."""
    is_new = write and (not path.exists() or not path.stat().st_size)
    try:
        with closing(sqlite3.connect(path, timeout=60)) as file:
            file.execute("PRAGMA foreign_keys = ON")
            if is_new:
                file.executescript(f"PRAGMA application_id = {APPLICATION}; {TABLES}")
            if file.execute("PRAGMA application_id").fetchone() != (APPLICATION,):
                raise ContractError(f"{path} is no history of bnconform; expected one, or the name of a file to make")
            yield file
    except sqlite3.Error as error:
        raise ContractError(f"{path}: cannot be read as a history ({error}); expected one, as --add makes it") from None


def _id(results: Results) -> str:
    return sha256(json.dumps(results.run, sort_keys=True).encode()).hexdigest()[:32]


def _values(row: Row) -> tuple[str, ...]:
    flat = {**vars(row), "version": row.release.version, "beside": row.release.beside}
    return tuple(flat[name] for name in COLUMNS)
