"""Whatever ends a command is one message and status 2, never 1; what cannot be printed ends nothing."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import pytest
from worlds import tiny

from bnconform.cli.guard import guarded
from bnconform.cli.session.interruption import INTERRUPTIONS, Interruptions
from bnconform.contract.errors import CallError


def raising(error: BaseException) -> Any:
    def run() -> int:
        raise error

    return run


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (CallError("no such thing"), "no such thing"),
        (PermissionError(13, "Permission denied", "/some/where"), "/some/where: Permission denied"),
        (OSError("odd"), "the system: odd"),
        (BrokenPipeError(), "a pipe was closed before all was written"),
        (MemoryError(), "there is not enough memory"),
        (KeyboardInterrupt(), "interrupted by Ctrl-C"),
    ],
)
def test_an_error_is_one_line_and_status_2(
    error: BaseException, message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert guarded(raising(error)) == 2
    assert capsys.readouterr().err == f"bnconform: {message}\n"


def test_a_mistake_of_its_own_has_a_traceback_and_says_what_to_do(capsys: pytest.CaptureFixture[str]) -> None:
    assert guarded(raising(IndexError("of ours"))) == 2
    said = capsys.readouterr().err
    assert "Traceback" in said
    assert said.endswith(
        "this is a mistake of bnconform itself; please report it with the lines above and what you typed\n"
    )


@pytest.mark.parametrize("status", [0, 1, 2])
def test_the_status_of_a_command_that_ends_by_itself_stays(status: int) -> None:
    assert guarded(lambda: status) == status


def called(*words: str, shell: str, cwd: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    """Calls the command line with these redirections."""
    command = f"{sys.executable} -m bnconform {' '.join(words)} {shell}"
    environment = {**tiny.environment(), **variables}
    return subprocess.run(
        ["bash", "-o", "pipefail", "-c", command], cwd=cwd, env=environment, capture_output=True, text=True, check=False
    )


@pytest.mark.parametrize(
    ("shell", "message"),
    [
        ("> /dev/full", "bnconform: the output could not be written: No space left on device\n"),
        (">&-", "bnconform: the output could not be written: it is closed\n"),
        ("| true", ""),
        ("> /dev/full 2>&1", ""),
        (">&- 2>&-", ""),
        (">&- 2>&- <&-", ""),
    ],
)
def test_output_that_cannot_be_written_is_told_in_a_line_at_most(tmp_path: Path, shell: str, message: str) -> None:
    done = called("list", "specs", shell=shell, cwd=tmp_path)
    assert (done.returncode, done.stderr) == (2, message)


def test_a_run_whose_output_cannot_be_written_is_judged_to_its_end(tmp_path: Path) -> None:
    tiny.adapter(tmp_path, "right", "swapped")
    words = ("run", "--adapter", "tiny.py", "--spec", "averages_the_running_mean", "--examples", "3", "--out", "out")
    done = called(*words, shell="> /dev/full", cwd=tmp_path)
    assert (done.returncode, done.stderr.count("\n")) == (2, 1), done.stderr
    assert tiny.lines(tmp_path / "out")[-1]["exit_status"] == 1


def test_what_a_terminal_cannot_show_is_written_by_its_number(tmp_path: Path) -> None:
    done = called("list", "specs", shell="", cwd=tmp_path, PYTHONIOENCODING="ascii")
    assert (done.returncode, done.stderr) == (0, "")
    assert "\\u03b5" in done.stdout


def test_without_docstrings_all_is_as_with_them(tmp_path: Path) -> None:
    one, other = (called("list", what, shell="", cwd=tmp_path, PYTHONOPTIMIZE="2") for what in ("faults", "specs"))
    assert (one.returncode, other.returncode) == (0, 0), one.stderr + other.stderr
    assert one.stdout == called("list", "faults", shell="", cwd=tmp_path).stdout


NOBODY = 65534


def test_another_user_without_a_home_judges_by_an_install_that_is_not_theirs() -> None:
    if os.geteuid() != 0:
        pytest.skip("only root may start a process as another user")
    theirs = {"user": NOBODY, "group": NOBODY, "extra_groups": [], "check": False, "capture_output": True, "text": True}
    path = os.pathsep.join(sys.path)
    with tempfile.TemporaryDirectory(dir="/tmp") as name:
        tiny.adapter(Path(name), "right")
        os.chmod(name, 0o777)
        seen: Any = {"cwd": name, "env": {"PATH": os.environ["PATH"], "PYTHONPATH": path, "TMPDIR": name}, **theirs}
        try:
            may_read = not subprocess.run([sys.executable, "-c", "import numpy, pytest, bnconform"], **seen).returncode
        except PermissionError:
            may_read = False
        if not may_read:
            pytest.skip("another user may not read this interpreter or its packages")
        words = ["--adapter", "tiny.py", "--spec", "averages_the_running_mean", "--examples", "3", "--out", "out"]
        done = subprocess.run([sys.executable, "-m", "bnconform", "run", *words], **seen)
        assert (done.returncode, done.stderr) == (0, ""), done.stdout + done.stderr
        assert tiny.lines(Path(name) / "out")[-1]["exit_status"] == 0


def test_the_first_signal_interrupts_and_one_soon_after_is_the_same(
    monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_DFL)  # `nohup` leaves a process deaf to it
    request.addfinalizer(lambda: signal.signal(signal.SIGHUP, before))
    about = Interruptions()
    with about.caught():
        with pytest.raises(KeyboardInterrupt, match="SIGTERM"):
            os.kill(os.getpid(), signal.SIGTERM)
        os.kill(os.getpid(), signal.SIGINT)
        monkeypatch.setattr(about, "_at", 0.0)
        with pytest.raises(KeyboardInterrupt, match="SIGHUP"):
            os.kill(os.getpid(), signal.SIGHUP)
    assert signal.getsignal(signal.SIGTERM) == signal.SIG_DFL


DROPS_A_SIGNAL = """
import gc, os, signal, sys
from bnconform.cli.session.interruption import Interruptions
about = Interruptions()
def collecting(*_): os.kill(os.getpid(), signal.SIGTERM)
def failing(*_): raise ValueError("of somebody else")
with about.caught():
    for callback in (failing, collecting):
        gc.callbacks.append(callback)
        gc.collect()
        gc.callbacks.remove(callback)
    try: about.check()
    except KeyboardInterrupt as error: print(error)
print(sys.unraisablehook is sys.__unraisablehook__)
"""


def test_a_signal_that_the_garbage_collector_drops_is_raised_again_and_not_told_of() -> None:
    done = subprocess.run([sys.executable, "-c", DROPS_A_SIGNAL], capture_output=True, text=True, check=False)
    assert done.stdout.split() == ["SIGTERM", "True"], done.stderr
    assert "of somebody else" in done.stderr
    assert "KeyboardInterrupt" not in done.stderr


def test_where_signals_are_held_the_first_is_noted_and_a_later_one_interrupts(
    monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> None:
    before = signal.signal(signal.SIGINT, signal.default_int_handler)  # a process in the background is deaf to it
    request.addfinalizer(lambda: signal.signal(signal.SIGINT, before))
    about = Interruptions()
    with about.caught():
        with about.held():
            os.kill(os.getpid(), signal.SIGINT)
        assert about.name == "SIGINT"
        with pytest.raises(KeyboardInterrupt):
            about.check()
        about.stopping()
        about.check()
        monkeypatch.setattr(about, "_at", 0.0)
        with about.held(), pytest.raises(KeyboardInterrupt):
            os.kill(os.getpid(), signal.SIGINT)


def test_what_the_caller_ignores_stays_ignored() -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with Interruptions().caught():
            os.kill(os.getpid(), signal.SIGHUP)
    finally:
        signal.signal(signal.SIGHUP, before)
    assert INTERRUPTIONS.name == ""
