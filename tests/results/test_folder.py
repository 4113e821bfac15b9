"""One folder, one run: it is held while its process lives, and nothing is removed that a run cannot prove to be its
own."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from worlds import records as world

from bnconform.contract.errors import ContractError
from bnconform.results.folder import Folder
from bnconform.results.writer import ResultsWriter

WITNESS = "witnesses/a.safetensors"
GENERATED = '<meta name="generator" content="bnconform">'


def run(out: Path, **files: bytes) -> None:
    """A run with one finding and these files, of which a double underscore is a slash and a single one a dot."""
    with ResultsWriter(out) as writer:
        writer.run(world.run())
        named = {name.replace("__", "/").replace("_", "."): content for name, content in files.items()}
        writer.finding(world.finding(), named)


def left(out: Path) -> set[str]:
    names = {path.relative_to(out).as_posix() for path in out.rglob("*") if not path.is_dir() or path.is_symlink()}
    return names - {".bnconform", "results.jsonl"}


def test_a_folder_has_one_run_at_a_time(tmp_path: Path) -> None:
    first = ResultsWriter(tmp_path)
    first.run(world.run())
    with pytest.raises(ContractError, match=f"in use by another run .process {os.getpid()}, since 20"):
        ResultsWriter(tmp_path)
    first.finding(world.finding())
    first.close()
    ResultsWriter(tmp_path).close()


def test_a_process_that_was_killed_holds_no_folder(tmp_path: Path) -> None:
    holds = f"from bnconform.results.folder import Folder; from pathlib import Path; Folder(Path({str(tmp_path)!r}))"
    held = f"{holds}; import os, signal; os.kill(os.getpid(), signal.SIGKILL)"
    assert subprocess.run([sys.executable, "-c", held], check=False).returncode == -9
    assert (tmp_path / ".bnconform").stat().st_size
    Folder(tmp_path).release()


def test_a_new_run_removes_the_files_of_the_earlier_one_and_nothing_else(tmp_path: Path) -> None:
    run(tmp_path, witnesses__a_safetensors=b"w", reproduce__a_py=b"r", scripts__b_py=b"s")
    (tmp_path / "index.html").write_text(GENERATED)
    for name in ("witnesses/my_model.safetensors", "reproduce/my_bisect.py", "reproduce/data.csv", "mine.html"):
        (tmp_path / name).write_text("mine")
    (tmp_path / "scripts" / "b.py").write_text("changed by hand")
    run(tmp_path)
    assert left(tmp_path) == {
        "witnesses/my_model.safetensors", "reproduce/my_bisect.py", "reproduce/data.csv", "mine.html", "scripts/b.py",
    }  # fmt: skip


def test_a_file_that_no_run_wrote_is_not_replaced(tmp_path: Path) -> None:
    (tmp_path / "witnesses").mkdir()
    (tmp_path / WITNESS).write_text("mine")
    with ResultsWriter(tmp_path) as writer:
        writer.run(world.run())
        found = world.finding(witness=WITNESS)
        writer.finding(found, {WITNESS: b"w"})
    assert (tmp_path / WITNESS).read_text() == "mine"
    assert found["witness"] is None
    assert "no run wrote; it was left as it is" in found["notes"][0]


def test_files_that_an_earlier_version_noted_in_its_results_alone_are_removed(tmp_path: Path) -> None:
    with ResultsWriter(tmp_path) as writer:
        writer.run(world.run())
        writer.finding(world.finding(witness=WITNESS), {WITNESS: b"w", "reproduce/mine.py": b"r"})
    (tmp_path / ".bnconform").unlink()
    run(tmp_path)
    assert left(tmp_path) == {"reproduce/mine.py"}


@pytest.mark.parametrize("name", ["results.jsonl", "index.html", "specs.html", "framework-mine.html", ".bnconform"])
@pytest.mark.parametrize("text", ["somebody's", ""])
def test_a_folder_of_somebody_else_is_refused_and_left_alone(tmp_path: Path, name: str, text: str) -> None:
    if name == ".bnconform" and not text:
        return
    (tmp_path / name).write_text(text, encoding="utf-8")
    with pytest.raises(ContractError, match=r"is not of an earlier bnconform run|is no ledger of a bnconform run"):
        ResultsWriter(tmp_path)
    assert (tmp_path / name).read_text() == text


def test_nothing_is_removed_or_emptied_through_a_link(tmp_path: Path) -> None:
    out, away = tmp_path / "out", tmp_path / "away"
    run(out, witnesses__a_safetensors=b"w")
    run(away, witnesses__a_safetensors=b"w")
    (out / WITNESS).unlink()
    (out / "witnesses").rmdir()
    (out / "witnesses").symlink_to(away / "witnesses")
    with pytest.raises(ContractError, match="witnesses is a link; expected a folder of the run's own"):
        ResultsWriter(out)
    (out / "witnesses").unlink()
    (out / "results.jsonl").unlink()
    (out / "results.jsonl").symlink_to(away / "results.jsonl")
    with pytest.raises(ContractError, match=r"results.jsonl is not of an earlier bnconform run"):
        ResultsWriter(out)
    assert (away / WITNESS).read_bytes() == b"w"
    assert (away / "results.jsonl").stat().st_size


def test_drafts_of_killed_runs_are_removed_and_those_of_others_are_not(tmp_path: Path) -> None:
    run(tmp_path, witnesses__a_safetensors=b"w")
    gone = 2**22 + 1  # more than a process can have for its number
    ours = [f".index.html.{gone}.part", f".results.jsonl.{gone}.part", f"witnesses/.a.safetensors.{gone}.part"]
    others = [f".letter.txt.{gone}.part", f".index.html.{os.getppid()}.part", ".index.html.part"]
    for name in (*ours, *others):
        (tmp_path / name).write_text("half")
    run(tmp_path)
    assert left(tmp_path) == set(others)


@pytest.mark.parametrize("out", ["file", "file/below", "n" * 300, "nul\0"])
def test_a_folder_that_cannot_be_made_is_one_message(tmp_path: Path, out: str) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ContractError, match="expected a folder that can be written to"):
        ResultsWriter(tmp_path / out)
