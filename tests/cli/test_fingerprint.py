"""`bnconform fingerprint` prints a table per implementation and dtype, and its exit status tells of contradictions."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from worlds import miniatures, tiny


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with the miniatures as an adapter."""
    shutil.copy(miniatures.__file__, tmp_path)
    return tmp_path


def row(said: str, property: str) -> str:
    """Returns the line of a property."""
    (line,) = [line for line in said.splitlines() if line.startswith(f"  {property} ")]
    return " ".join(line.split())


def test_what_declares_what_it_does_is_exit_status_0(folder: Path) -> None:
    words = ("miniatures.welford", "--adapter", "miniatures.py", "--dtype", "float32")
    done = tiny.bnconform("fingerprint", *words, cwd=folder)
    assert (done.returncode, done.stderr) == (0, "")
    heading = "miniatures.welford float32 cpu: channels on axis 1 of (2, 64, 1, 2) and (3, 64, 1, 4)"
    assert done.stdout.startswith(heading)
    assert "Welford-like ✓ variance=two-pass" in row(done.stdout, "variance algorithm")
    assert "unbiased ✓ running_var=unbiased" in row(done.stdout, "running variance")
    assert "statistics kept in" not in done.stdout
    assert done.stdout.endswith("nothing contradicts what is declared\n")


def test_a_contradiction_is_exit_status_1_and_said_in_words(folder: Path) -> None:
    words = ("miniatures.variance*", "--adapter", "miniatures.py", "--dtype", "float32", "--dtype", "float64")
    done = tiny.bnconform("fingerprint", *words, "--rank", 2, "--axis", -1, cwd=folder)
    assert (done.returncode, done.stderr) == (1, "")
    assert done.stdout.count("channels on axis -1 of (4, 64) and (12, 64)") == 2
    assert done.stdout.splitlines()[-2:] == [
        f"miniatures.variance_below_zero {dtype} cpu contradicts what it declares: variance algorithm: one-pass, not "
        "two-pass; negative variance: occurs, not clamped"
        for dtype in ("float32", "float64")
    ]


def test_an_adapter_alone_stands_for_all_of_its_implementations(tmp_path: Path) -> None:
    tiny.adapter(tmp_path, "right", "refuses")
    done = tiny.bnconform("fingerprint", "--adapter", "tiny.py", cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert "tiny.right 1.2 float32 cpu: " in done.stdout
    assert "tiny.refuses 1.2 float32 cpu: " in done.stdout
    assert "not offered: no such thing" in done.stdout


def test_a_crash_is_undecided_and_ends_nothing(tmp_path: Path) -> None:
    tiny.adapter(tmp_path, "aborts", "right")
    done = tiny.bnconform("fingerprint", "--adapter", "tiny.py", cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert "undecided" in row(done.stdout.partition("tiny.right")[0], "ε in training")
    assert "inside the root" in row(done.stdout.partition("tiny.right")[2], "ε in training")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("miniatures.welfrod",), "did you mean 'miniatures.welford'?"),
        (("miniatures.welford", "--dtype", "float8"), "--dtype float8: unknown dtype"),
        (("miniatures.welford", "--device", "tpu"), "--device tpu: unknown device"),
        (("miniatures.welford", "--rank", "7"), "--rank 7: miniatures.welford takes 2, 3, 4, 5"),
    ],
)
def test_a_wrong_call_is_exit_status_2_and_one_message(folder: Path, words: tuple[str, ...], message: str) -> None:
    done = tiny.bnconform("fingerprint", "--adapter", "miniatures.py", *words, cwd=folder)
    assert done.returncode == 2
    assert message in done.stderr
    assert "Traceback" not in done.stderr
