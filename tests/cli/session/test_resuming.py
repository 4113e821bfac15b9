"""An interrupted run is gone on with by what it began with, or not at all."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from worlds import records as world

from bnconform.cli.session.resuming import digest, resumable
from bnconform.contract.address import Address
from bnconform.contract.errors import CallError


def interrupted(out: Path, *findings: Any, **changed: Any) -> Any:
    return world.write(out, *findings, end=False, **changed).run


def test_what_was_found_is_kept(tmp_path: Path) -> None:
    now = interrupted(tmp_path, world.finding(), world.finding(dtype="float64"))
    assert [one["dtype"] for one in resumable(tmp_path, now).findings] == ["float32", "float64"]


def test_a_finding_whose_files_are_not_there_is_judged_again(tmp_path: Path) -> None:
    now = interrupted(tmp_path, world.finding(witness="witnesses/gone.safetensors"), world.finding(dtype="float64"))
    assert [one["dtype"] for one in resumable(tmp_path, now).findings] == ["float64"]


def test_a_complete_run_is_not_resumed(tmp_path: Path) -> None:
    now = world.write(tmp_path, world.finding()).run
    with pytest.raises(CallError, match="holds a complete run, of 1 findings; there is nothing to resume"):
        resumable(tmp_path, now)


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"versions": {"numpy": "2.4.6", "mini": "1.1"}}, "mini: '1.0' became '1.1'"),
        ({"digest": "another"}, "bnconform's sources, the specs, an adapter's file or the known deviations"),
        ({"request": {"seed": 3}}, "seed: None became 3"),
        ({"specs": [world.TRACKS]}, "specs"),
        ({"implementations": []}, "implementations"),
        ({"environment": {"python": "3.12.0", "platform": "Linux"}}, "python: '3.11.9' became '3.12.0'"),
        ({"device": "cuda"}, "device: 'cpu' became 'cuda'"),
    ],
)
def test_a_run_by_anything_else_is_refused(tmp_path: Path, changed: dict[str, Any], words: str) -> None:
    then = interrupted(tmp_path, world.finding(), request={}, digest="one")
    with pytest.raises(CallError) as raised:
        resumable(tmp_path, then | changed)
    assert f"({words})" in str(raised.value)


def test_the_digest_follows_from_adapter_files_and_a_registry(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text("x = 1\n")
    (tmp_path / "known").mkdir()
    address = Address(target=str(tmp_path / "a.py"), namespace="a", named=True)
    first = digest([address], None)
    assert first == digest([address], None) != digest([], None)
    (tmp_path / "a.py").write_text("x = 2\n")
    assert digest([address], None) != first
    (tmp_path / "known" / "a.toml").write_text("")
    assert digest([], tmp_path / "known") != digest([], None)
