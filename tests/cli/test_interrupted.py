"""A run that is interrupted, in whatever way, says so, leaves nothing behind and can be gone on with."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from worlds import tiny

SPECS = ("--spec", "normalization", "--spec", "averages_the_running_mean", "--examples", "3")
SLOW = """
def slow(case):
    if os.path.exists({stop!r}):
        open({asked!r}, "w").close()
        time.sleep(1e6)
    return swapped(case)
"""


def started(folder: Path, *words: str) -> subprocess.Popen[str]:
    """Starts a run of a group of processes of its own, which signals reach even where the tests' do not."""

    def hearing() -> None:
        os.setsid()
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        signal.signal(signal.SIGHUP, signal.SIG_DFL)

    command = [sys.executable, "-m", "bnconform", "run", *words]
    (folder / "scratch").mkdir(exist_ok=True)
    environment = {**tiny.environment(), "TMPDIR": str(folder / "scratch")}
    pipe = subprocess.PIPE
    return subprocess.Popen(
        command, cwd=folder, env=environment, stdout=pipe, stderr=pipe, text=True, preexec_fn=hearing
    )


def until(met: Callable[[], object], run: subprocess.Popen[str]) -> None:
    deadline = time.monotonic() + 120
    while not met():
        assert run.poll() is None, run.communicate()
        assert time.monotonic() < deadline
        time.sleep(0.02)


def left_alive(folder: Path) -> list[str]:
    """The processes of a run that are there five seconds after its end."""
    deadline = time.monotonic() + 5
    while (found := alive(folder)) and time.monotonic() < deadline:
        time.sleep(0.1)
    return found


def alive(folder: Path) -> list[str]:
    """The processes whose environment names the scratch folder: the run, its workers and its hosts."""
    found = []
    for place in Path("/proc").glob("[0-9]*"):
        try:
            if f"TMPDIR={folder / 'scratch'}".encode() in (place / "environ").read_bytes():
                found.append((place / "cmdline").read_text())
        except OSError:
            continue
    return found


def judged_until_it_hangs(folder: Path, *words: str) -> subprocess.Popen[str]:
    """A run that has found something and now waits for an implementation that does not answer."""
    stop, asked = folder / "stop", folder / "asked"
    asked.unlink(missing_ok=True)
    tiny.adapter(folder, "right", "swapped", "slow", own=SLOW.format(stop=str(stop), asked=str(asked)))
    run = started(folder, "--adapter", "tiny.py", *SPECS, "--out", "out", *words)
    results = folder / "out" / "results.jsonl"
    until(lambda: results.exists() and results.read_bytes().count(b"\n") > 2, run)
    stop.touch()
    until(asked.exists, run)
    stop.unlink()
    return run


@pytest.mark.slow
@pytest.mark.parametrize("signals", [["INT"], ["INT", "INT"], ["TERM"], ["HUP", "TERM"]], ids="+".join)
@pytest.mark.parametrize("workers", ["0", "2"])
def test_signals_are_one_orderly_interruption(tmp_path: Path, signals: list[str], workers: str) -> None:
    run = judged_until_it_hangs(tmp_path, "-n", workers)
    for name in signals:
        os.kill(run.pid, getattr(signal, f"SIG{name}"))
        time.sleep(0.3)
    said, errors = run.communicate(timeout=60)
    assert (run.returncode, errors) == (2, ""), said + errors
    kinds = [one["kind"] for one in tiny.lines(tmp_path / "out")]
    assert kinds[0] == "run"
    assert set(kinds[1:]) == {"finding"}
    assert f"not complete: {len(kinds) - 1} of " in said
    assert f"interrupted by SIG{signals[0]}" in said or f"interrupted by SIG{signals[-1]}" in said
    assert "go on with: bnconform run --resume=out --adapter=tiny.py" in said
    assert "interrupted" in (tmp_path / "out" / "index.html").read_text(encoding="utf-8")
    assert list((tmp_path / "scratch").iterdir()) == []
    assert left_alive(tmp_path) == []


def test_an_interrupt_within_code_from_a_text_changes_no_exit_status(tmp_path: Path) -> None:
    # CPython remembers it, and would end `python -m` by a signal of its own.
    text = "import os, signal; os.kill(os.getpid(), signal.SIGTERM); sum(range(10**6))"
    tiny.adapter(tmp_path, "stops", own=f"def stops(case):\n    exec({text!r})\n")
    done = tiny.bnconform("run", "--adapter", "tiny.py", *SPECS, "--in-process", "--out", "out", cwd=tmp_path)
    assert done.returncode == 2, done.stdout + done.stderr
    assert "interrupted by SIGTERM" in done.stdout + done.stderr


@pytest.mark.slow
@pytest.mark.parametrize("workers", ["0", "2"])
def test_a_run_that_is_resumed_finds_what_an_uninterrupted_one_does(tmp_path: Path, workers: str) -> None:
    run = judged_until_it_hangs(tmp_path, "-n", workers)
    os.kill(run.pid, signal.SIGTERM)
    run.communicate(timeout=60)
    before = len(tiny.lines(tmp_path / "out")) - 1
    done = tiny.bnconform("run", "--resume", "out", "--adapter", "tiny.py", "-n", workers, cwd=tmp_path)
    assert done.returncode == 1, done.stdout + done.stderr
    whole = tiny.bnconform("run", "--adapter", "tiny.py", *SPECS, "--out", "whole", cwd=tmp_path)
    assert whole.returncode == 1
    found, expected = (
        [one for one in tiny.lines(tmp_path / out) if one["kind"] == "finding"] for out in ("out", "whole")
    )
    assert 0 < before < len(expected)
    assert sorted(map(str, found)) == sorted(map(str, expected))
    names = [sorted(path.relative_to(tmp_path / out).as_posix() for path in (tmp_path / out).rglob("*"))
             for out in ("out", "whole")]  # fmt: skip
    assert names[0] == names[1]


def test_a_run_is_resumed_by_what_it_began_with(tmp_path: Path) -> None:
    tiny.adapter(tmp_path, "right")
    words = ("--adapter", "tiny.py", "--spec", "normalizes_by_the_batch", "--examples", "3", "--out", "out")
    assert tiny.bnconform("run", *words, cwd=tmp_path).returncode == 0
    for typed, message in (
        (("--adapter", "tiny.py"), "holds a complete run, of 1 findings; there is nothing to resume"),
        ((), "of an adapter that is not installed; type it again: --adapter=tiny.py"),
        (("--seed", "3"), "--seed 3 differs from 0, with which the run began; leave it out"),
        (("--out", "other"), "--out other is not out, the folder of --resume; leave it out"),
    ):
        done = tiny.bnconform("run", "--resume", "out", *typed, cwd=tmp_path)
        assert (done.returncode, len(done.stderr.strip().splitlines())) == (2, 1), done.stderr
        assert message in done.stderr


@pytest.mark.slow
def test_what_pytest_leaves_out_leaves_the_results_without_an_end(tmp_path: Path) -> None:
    (tmp_path / "specs").mkdir()
    (tmp_path / "specs" / "chapter.py").write_text(tiny.SPECS, encoding="utf-8")
    tiny.adapter(tmp_path, "swapped", "right")
    for words, count in (((), 4), (("-x",), 2), (("--maxfail=1", "-n", "2"), 4), (("-k", "swapped"), 2)):
        command = [sys.executable, "-m", "pytest", "specs", "--bn-specs=specs", "--bn-adapter=tiny.py"]
        command += ["--bn-examples=3", "--bn-out=out", *words]
        done = subprocess.run(
            command, cwd=tmp_path, env=tiny.environment(), capture_output=True, text=True, check=False
        )
        assert done.returncode == (2 if "-n" in words else 1), done.stdout + done.stderr  # pytest's own
        kinds = [one["kind"] for one in tiny.lines(tmp_path / "out")]
        if "-n" not in words:
            assert kinds.count("finding") == count
        assert ("end" in kinds) is (not words) is ("not complete: " not in done.stdout)


def test_a_second_run_into_the_same_folder_is_refused_and_touches_nothing(tmp_path: Path) -> None:
    run = judged_until_it_hangs(tmp_path)
    try:
        before = {path: path.read_bytes() for path in (tmp_path / "out").rglob("*") if path.is_file()}
        other = tiny.bnconform("run", "--adapter", "tiny.py", *SPECS, "--out", "out", cwd=tmp_path)
        after = {path: path.read_bytes() for path in (tmp_path / "out").rglob("*") if path.is_file()}
    finally:
        os.kill(run.pid, signal.SIGTERM)
        run.communicate(timeout=60)
    assert (other.returncode, len(other.stderr.strip().splitlines())) == (2, 1)
    assert f"out is in use by another run (process {run.pid}, since" in other.stderr
    assert before == after


@pytest.mark.parametrize("words", [("--timeout", "inf"), ("--timeout", "nan"), ("--examples", "0"), ("-n", "many")])
def test_a_wrong_call_touches_nothing(tmp_path: Path, words: tuple[str, ...]) -> None:
    tiny.adapter(tmp_path, "swapped")
    first = ("--adapter", "tiny.py", "--spec", "averages_the_running_mean", "--examples", "3", "--out", "out")
    assert tiny.bnconform("run", *first, cwd=tmp_path).returncode == 1
    before = {path: path.read_bytes() for path in (tmp_path / "out").rglob("*") if path.is_file()}
    assert tiny.bnconform("run", *first, *words, cwd=tmp_path).returncode == 2
    assert before == {path: path.read_bytes() for path in (tmp_path / "out").rglob("*") if path.is_file()}
