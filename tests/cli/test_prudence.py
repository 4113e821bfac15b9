"""A statement that prudence alone makes is told apart, and decides the exit status with --strict only."""

from __future__ import annotations

from pathlib import Path

from worlds import tiny

SPOILED = """
def spoils(case):
    found = train(checked(case), case.momentum)
    empty = case.x.size == 0 or case.rows == 1
    if not empty or found.running_mean is None:
        return found
    return Outcome(y=found.y, running_mean=found.running_mean * np.nan)
"""
PRUDENT, STATED = "keeps_its_averages_through_a_single_value", "normalizes_by_the_batch"
CALL = ("run", "--adapter", "tiny.py", "--spec", PRUDENT, "--spec", STATED, "--examples", 5, "--out", "out")


def test_prudence_decides_no_exit_status_but_with_strict(tmp_path: Path) -> None:
    tiny.adapter(tmp_path, "spoils", own=SPOILED)
    said = tiny.bnconform(*CALL, cwd=tmp_path)
    assert said.returncode == 0, said.stdout + said.stderr
    assert "documented nowhere, asked for by prudence" in said.stdout
    (found,) = (one for one in tiny.lines(tmp_path / "out") if one.get("verdict") == "fails")
    assert (found["spec"], found["basis"]) == (PRUDENT, "prudence")
    (defect,) = (one for one in tiny.lines(tmp_path / "out") if one["kind"] == "defect")
    assert defect["severity"] == "prudence"
    assert tiny.bnconform(*CALL, "--strict", cwd=tmp_path).returncode == 1


def test_a_stated_failure_decides_it_all_the_same(tmp_path: Path) -> None:
    tiny.adapter(tmp_path, "doubles", own="def doubles(case):\n    return Outcome(y=case.x * 2)\n")
    assert tiny.bnconform(*CALL, cwd=tmp_path).returncode == 1
