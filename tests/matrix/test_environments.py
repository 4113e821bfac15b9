"""Environments are made once, held by what they are made of, and removed when they are many; no network is needed."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import pytest
from worlds import releases

from bnconform.matrix import environments
from bnconform.matrix.cells import Cell
from bnconform.matrix.environments import Environments, NotBuilt, named


def cell(options: tuple[str, ...], version: str = "1.0", **changed: Any) -> Cell:
    told = {"framework": "tinybn", "distribution": "tinybn", "python": "3.11", "name": "tiny", "labels": ("quick",)}
    return Cell(**(told | {"version": version, "options": options} | changed))  # type: ignore[arg-type]


def test_an_environment_is_made_once_and_removed_when_the_limit_is_reached(tmp_path: Path) -> None:
    options = releases.wheels(tmp_path / "wheels", {"1.0": "0.0", "1.1": "0.5"})
    kept = Environments(tmp_path / "kept", 10**9)
    with kept.of(cell(options)) as made:
        told = subprocess.run(
            [made.python, "-c", "import tinybn; print(tinybn.VERSION)"], capture_output=True, check=True
        )
        assert told.stdout.split() == [b"1.0"]
        assert made.seconds > 0
    with kept.of(cell(options)) as again:
        assert (again.python, again.seconds) == (made.python, 0.0)
    with Environments(tmp_path / "kept", 1).of(cell(options, "1.1")):
        assert {path.name for path in (tmp_path / "kept").iterdir() if path.is_dir()} == {named(cell(options, "1.1"))}


def test_what_cannot_be_made_is_told_and_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    kept = Environments(tmp_path / "kept", 10**9)
    missing = [
        (cell(()), "3.2", "no python3.2 on the path"),
        (
            cell(releases.wheels(tmp_path / "wheels", {"1.0": "broken"})),
            "3.11",
            "could not be installed: .*no-such-package",
        ),
    ]
    monkeypatch.setattr(environments.shutil, "which", lambda name: None)
    for one, python, words in missing:
        with pytest.raises(NotBuilt, match=words), kept.of(cell(one.options, python=python)):
            pass
    monkeypatch.setattr(environments, "SPARE", 2**80)
    with pytest.raises(NotBuilt, match="GiB are free on the disk; expected"), kept.of(cell(())):
        pass
    assert not [path for path in (tmp_path / "kept").iterdir() if path.is_dir()]
