"""The file of a history: what is added is read back, once, and what is no history is left alone."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any

import pytest
from worlds import records

from bnconform.contract.errors import CallError, ContractError
from bnconform.history import store
from bnconform.history.row import Release, rows_of

NAN = {"defect": "mini/nan", "title": "y is NaN", "fault": "implementation", "reason": "r", "link": ""}


def results(folder: Path, version: str = "1.0", **changed: Any) -> Any:
    made = records.implementation(version=version, versions={"mini": version, "jax": "0.4"})
    told = {"verdict": "fails", "version": version, "output": "y"} | changed
    return records.write(
        folder, records.finding(**told), implementations=[made], started=f"2026-01-01T00:00:0{version}"
    )


def test_what_is_added_is_read_back_as_it_was(tmp_path: Path) -> None:
    one, other = results(tmp_path / "1"), results(tmp_path / "2", "2.0", known=NAN)
    assert store.add(tmp_path / "h.sqlite", [one, other]) == (2, 0)
    rows = store.read(tmp_path / "h.sqlite")
    assert rows == list(rows_of([one, other]))
    assert rows[1].release == Release("2.0", "jax 0.4")
    assert (rows[1].defect, rows[1].title) == ("mini/nan", "y is NaN")
    assert store.read(tmp_path / "h.sqlite", "torch.*") == []


def test_one_version_in_two_environments_is_two_releases(tmp_path: Path) -> None:
    around = {"python": "3.10.1", "numpy": "2.4.6"}
    made = records.implementation(versions={"mini": "1.0", "jax": "0.4"}, environment=around)
    there = records.write(tmp_path / "2", records.finding(), implementations=[made], started="2026-01-02T00:00:00")
    store.add(tmp_path / "h.sqlite", [results(tmp_path / "1"), there])
    told = [row.release.beside for row in store.read(tmp_path / "h.sqlite")]
    assert told == ["jax 0.4", "jax 0.4, python 3.10.1"]


def test_a_run_that_is_added_again_stands_once_as_it_is_now(tmp_path: Path) -> None:
    file = tmp_path / "deep" / "h.sqlite"
    store.add(file, [results(tmp_path / "1")])
    assert store.add(file, [results(tmp_path / "1", verdict="conforms")]) == (0, 1)
    assert [row.verdict for row in store.read(file)] == ["conforms"]


def test_a_broken_adapters_verdicts_are_not_the_implementations(tmp_path: Path) -> None:
    (row,) = rows_of([results(tmp_path, fault="adapter")])
    assert row.verdict == "unsupported"


@pytest.mark.parametrize("content", [b"something else", None])
def test_a_file_of_somebody_else_is_left_as_it_is(tmp_path: Path, content: bytes | None) -> None:
    file = tmp_path / "h.sqlite"
    if content is None:
        with sqlite3.connect(file) as theirs:
            theirs.execute("CREATE TABLE run (id)")
        theirs.close()
    else:
        file.write_bytes(content)
    before = file.read_bytes()
    with pytest.raises(ContractError, match="history"):
        store.add(file, [results(tmp_path / "1")])
    with pytest.raises(ContractError, match="history"):
        store.read(file)
    assert file.read_bytes() == before


def test_without_a_history_it_is_said_how_to_make_one(tmp_path: Path) -> None:
    with pytest.raises(CallError, match="bnconform history --add RESULTS"):
        store.read(tmp_path / "h.sqlite")
    assert not (tmp_path / "h.sqlite").exists()


def test_the_file_can_be_asked_with_sql_and_holds_no_folder(tmp_path: Path) -> None:
    store.add(tmp_path / "h.sqlite", [results(tmp_path / "1"), results(tmp_path / "2", "2.0", verdict="conforms")])
    with sqlite3.connect(tmp_path / "h.sqlite") as file:
        asked = "SELECT version FROM finding JOIN run ON run.id = finding.run WHERE verdict = 'fails' AND complete"
        assert file.execute(asked).fetchall() == [("1.0",)]
    file.close()
    assert bytes(tmp_path) not in (tmp_path / "h.sqlite").read_bytes()


def test_parquet_holds_every_finding(tmp_path: Path) -> None:
    parquet = pytest.importorskip("pyarrow.parquet")
    store.add(tmp_path / "h.sqlite", [results(tmp_path / "1")])
    assert store.write_parquet(tmp_path / "h.sqlite", tmp_path / "h.parquet") == 1
    table = parquet.read_table(tmp_path / "h.parquet").to_pylist()
    assert [(one["implementation"], one["verdict"], one["seed"]) for one in table] == [("mini.batch_norm", "fails", 0)]
