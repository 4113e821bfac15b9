"""Adapters in odd places and with odd ways of starting, judged by the command line from file to results."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

import pytest
from worlds import tiny

FEW = ("--spec", "averages_the_running_mean", "--examples", "3")
HANGS_WHEN_IMPORTED_AGAIN = """
import pathlib
mark = pathlib.Path(__file__).with_name("started")
if mark.exists(): time.sleep(1e6)
"""
ABORTS_AND_LEAVES_A_MARK = "def aborts(case): mark.touch(); os.abort()\n"


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere a file's name cannot hold bytes that are no text")
def test_an_adapter_whose_path_is_no_text_is_judged(tmp_path: Path) -> None:
    folder = Path(os.fsdecode(bytes(tmp_path) + b"/caf\xe9 \xff"))
    folder.mkdir()
    try:
        tiny.adapter(folder, "right", "swapped")
        done = tiny.bnconform("run", "--adapter", folder / "tiny.py", *FEW, "--out", folder / "out", cwd=tmp_path)
        assert done.returncode == 1, done.stdout + done.stderr
        assert "Traceback" not in done.stderr
        assert set(tiny.verdicts(folder / "out").values()) == {"conforms", "fails"}
        assert (folder / "out" / "index.html").is_file()
    finally:
        shutil.rmtree(folder)  # what clears up behind pytest cannot always name it


def test_an_import_that_hangs_after_a_crash_has_its_limit_and_the_crash_its_verdict(tmp_path: Path) -> None:
    tiny.adapter(tmp_path, "right", "aborts", own=HANGS_WHEN_IMPORTED_AGAIN + ABORTS_AND_LEAVES_A_MARK)
    words = ("--adapter", "tiny.py", *FEW, "--import-timeout", "4", "--timeout", "2")
    words += ("--out", "out", "--implementation", "tiny.aborts")
    done = tiny.bnconform("run", *words, cwd=tmp_path)
    assert done.returncode == 1, done.stdout + done.stderr
    (found,) = [line for line in tiny.lines(tmp_path / "out") if line["kind"] == "finding"]
    assert found["verdict"] == "crashes"
    assert "did not start again" in found["reason"]
