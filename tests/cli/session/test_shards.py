"""The parts of a run, judged one by one and joined, are the undivided run."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from worlds import tiny

from bnconform.cli.session.shards import part
from bnconform.contract.errors import CallError
from bnconform.engine.request import Request

WORDS = ("--adapter", "tiny.py")
CALL = ("run", *WORDS, "--spec", "normalization", "--spec", "running_statistics", "--examples", "4")
PARTS = ("parts-1", "parts-2", "parts-3")
LEAVES_A_MARK = "import pathlib\npathlib.Path('ran').touch()\n"
TIMES = {"started", "seconds", "command"}


def read(out: Path) -> tuple[list[dict[str, Any]], dict[str, bytes]]:
    """Returns the lines without their times, and the files beside them."""
    lines = [{name: value for name, value in line.items() if name not in TIMES} for line in tiny.lines(out)]
    files = {path.relative_to(out).as_posix(): path.read_bytes()
             for place in ("witnesses", "reproduce", "scripts") for path in (out / place).glob("*")}  # fmt: skip
    return lines, files


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a whole run and its three parts."""
    folder = tmp_path_factory.mktemp("shards")
    tiny.adapter(folder, "right", "swapped", "misshapen", "refuses", dtypes=("float32", "float64"))
    assert tiny.bnconform(*CALL, "--out", "whole", cwd=folder).returncode == 1
    for at in (1, 2, 3):
        done = tiny.bnconform(*CALL, "--shard", f"{at}/3", "--out", f"parts-{at}", cwd=folder)
        assert done.returncode in (0, 1, 2), done.stderr
    return folder


def test_parts_share_nothing_and_leave_nothing_out(world: Path) -> None:
    whole = tiny.verdicts(world / "whole")
    parts = [tiny.verdicts(world / f"parts-{at}") for at in (1, 2, 3)]
    assert all(parts)
    assert sum(map(len, parts)) == len(whole)
    assert {key: verdict for one in parts for key, verdict in one.items()} == whole


def test_joined_they_are_the_undivided_run_but_for_times(world: Path) -> None:
    done = tiny.bnconform("join", *PARTS, "--scripts", "--out", "joined", *WORDS, cwd=world)
    assert done.returncode == 1, done.stderr
    assert read(world / "joined") == read(world / "whole")
    assert (world / "joined" / "index.html").is_file()


def test_a_script_of_a_part_is_not_run_unless_the_parts_are_said_to_be_ones_own(world: Path) -> None:
    for at in (1, 2, 3):
        shutil.copytree(world / f"parts-{at}", world / f"theirs-{at}")
        for script in (world / f"theirs-{at}" / "reproduce").glob("*.py"):
            script.write_text(LEAVES_A_MARK, "utf-8")
    done = tiny.bnconform("join", "theirs-1", "theirs-2", "theirs-3", "--out", "safe", *WORDS, cwd=world)
    assert done.returncode == 1, done.stderr
    assert tiny.verdicts(world / "safe") == tiny.verdicts(world / "whole")
    assert list(world.rglob("ran")) == []
    found = [one for one in tiny.lines(world / "safe") if one["kind"] == "finding" and one["witness"]]
    assert found
    assert {one["reproduce"] for one in found} == {None}
    assert all("--scripts" in one["notes"][-1] for one in found)


def test_a_part_that_is_lost_is_judged_again(world: Path) -> None:
    done = tiny.bnconform("join", "parts-1", "parts-3", "--scripts", "--out", "again", *WORDS, cwd=world)
    assert done.returncode == 1, done.stderr
    assert "not there: part 2/3, which is judged now" in done.stdout
    (lines, files), (due, due_files) = read(world / "again"), read(world / "whole")
    assert sorted(map(json.dumps, lines)) == sorted(map(json.dumps, due))  # what was lost stands behind the rest
    assert files == due_files


@pytest.mark.parametrize(
    ("parts", "message"),
    [
        (("parts-1", "parts-1"), "is part 1/3, which another file is too; expected each part once"),
        (("whole", "parts-1"), "is no part of a run; expected the results of `bnconform run --shard K/N`"),
        (("parts-1", "other"), "they differ in request"),
    ],
)
def test_what_does_not_fit_together_is_refused(world: Path, parts: tuple[str, ...], message: str) -> None:
    if "other" in parts and not (world / "other").exists():
        lines = (world / "parts-2" / "results.jsonl").read_text(encoding="utf-8").splitlines()
        first = json.loads(lines[0])
        first["request"]["seed"] = 7
        (world / "other").mkdir()
        (world / "other" / "results.jsonl").write_text("\n".join([json.dumps(first), *lines[1:]]) + "\n", "utf-8")
    done = tiny.bnconform("join", *parts, "--out", "refused", *WORDS, cwd=world)
    assert (done.returncode, message in done.stderr) == (2, True), done.stderr
    assert not (world / "refused" / "results.jsonl").exists()


@pytest.mark.parametrize("text", ["0/3", "4/3", "1", "1/0", "a/b", "1/3/5", "-1/3"])
def test_a_shard_that_is_none_is_a_wrong_call(text: str) -> None:
    with pytest.raises(CallError, match="expected K/N, such as 2/3"):
        Request(shard=text).check()


def test_without_a_shard_all_is_asked() -> None:
    assert part([], "") == []
