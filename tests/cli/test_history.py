"""`bnconform history`, as a user calls it."""

from __future__ import annotations

from pathlib import Path

import pytest
from worlds import records

from bnconform.cli.main import main

NAN = {"defect": "mini/nan", "title": "y is NaN", "fault": "implementation", "reason": "r", "link": ""}
RAN = "  |✗✓|  y is NaN: in 0.9 already, the oldest that was judged; fixed in 0.10, 0.9 still had it"


def two_versions(folder: Path) -> None:
    for version, verdict in (("0.9", "fails"), ("0.10", "conforms")):
        found = [
            records.finding(version=version, verdict=verdict, **({"known": NAN} if verdict == "fails" else {})),
            records.finding(version=version, spec="tracks_the_variance"),
        ]
        made = [records.implementation(version=version)]
        records.write(folder / version, *found, implementations=made, started=f"2026-01-{version}")


def told(capsys: pytest.CaptureFixture[str], *words: object) -> tuple[int, list[str]]:
    status = main(["history", *map(str, words)])
    out = capsys.readouterr()
    return status, (out.out + out.err).splitlines()


def test_what_changed_between_versions_is_told_and_nothing_else(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    two_versions(tmp_path / "cells")
    file = Path("reports") / "history.sqlite"
    assert told(capsys, "--add", "cells") == (0, [f"2 runs added to {file}, 0 brought up to date"])
    assert told(capsys) == (0, ["mini.batch_norm: 0.9, 0.10"])
    status, (_, head, *lines) = told(capsys, "mini.*")
    assert (status, head) == (0, "mini.batch_norm: 0.9, 0.10")
    assert lines == [f"{RAN} (1 finding: normalizes_by_the_batch)"]


def test_a_statement_or_a_defect_is_told_by_name(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    two_versions(tmp_path / "cells")
    file = ("--file", tmp_path / "h.sqlite")
    told(capsys, *file, "--add", tmp_path / "cells")
    assert told(capsys, "mini.batch_norm", "mini/nan", *file)[1][2:] == [RAN]
    kept = "  |✓✓|  tracks_the_variance in float32 on cpu: never broken where it was judged"
    assert told(capsys, "mini.batch_norm", "tracks*", *file)[1][2:] == [kept]


def test_what_is_not_there_is_a_wrong_call(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = ("--file", tmp_path / "h.sqlite")
    status, (line,) = told(capsys, "mini.bn", *file)
    assert status == 2
    assert "there is no history yet" in line
    two_versions(tmp_path / "cells")
    told(capsys, *file, "--add", tmp_path / "cells")
    assert told(capsys, "torch*", *file)[0] == 2
    status, lines = told(capsys, "mini.*", "nothing", *file)
    assert status == 2
    assert "no such statement or defect" in lines[-1]
