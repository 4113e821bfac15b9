"""A witness is a stranger's file: what it names is a name, and what it would have started is typed by the user."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from worlds import tiny

from bnconform.cli.main import main
from bnconform.contract.address import named_address
from bnconform.contract.case import Case
from bnconform.contract.wire import save_case
from bnconform.engine.selection import exactly, fits

SPEC = "normalizes_by_the_batch"
NAMED = """
from bnconform import Implementation, Outcome

def run(case):
    return Outcome(y=case.x)

IMPLEMENTATIONS = [Implementation(name=name, run=run) for name in ("g.bn[fast]", "g.bnf", "g.*", "g.bn")]
"""


def witness(folder: Path, **told: Any) -> Path:
    """Writes a witness with these metadata beside a spec."""
    x = np.array([[0.0], [0.5]], np.float32)
    nothing: dict[str, Any] = dict.fromkeys(("gamma", "beta", "running_mean", "running_var"))
    case = Case(mode="train", x=x, eps=0.25, momentum=0.5, **nothing)
    path = folder / "w.safetensors"
    save_case(path, case, **{"spec": SPEC, "implementation": "evil.bn", **told})
    return path


@pytest.mark.parametrize("adapter", ["{folder}/evil.py", "evil.py", "evil", "pipe:/bin/sh {folder}/evil.sh",
                                     "python=/bin/sh:evil", "python=/bin/sh:bnconform.adapters.torch"])  # fmt: skip
def test_nothing_that_a_witness_names_is_started_or_imported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], adapter: str
) -> None:
    (tmp_path / "evil.py").write_text("open('obeyed', 'w')\n")
    (tmp_path / "evil.sh").write_text("touch obeyed\n")
    monkeypatch.chdir(tmp_path)
    named = adapter.format(folder=tmp_path)
    path = witness(tmp_path, adapter=named)
    assert main(["replay", str(path)]) == 2
    told = capsys.readouterr()
    assert told.out == ""
    assert told.err.count("\n") == 1
    assert told.err.endswith(f": bnconform replay {shlex.quote(str(path))} --adapter {shlex.quote(named)}\n")
    assert not (tmp_path / "obeyed").exists()


def test_a_typed_adapter_is_the_one_that_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "mine.py").write_text(NAMED)
    monkeypatch.chdir(tmp_path)
    path = witness(tmp_path, adapter="pipe:false", implementation="g.bn")
    assert main(["replay", str(path), "--adapter", "mine.py"]) == 1
    assert capsys.readouterr().out.startswith(f"g.bn  float32: fails: {SPEC}: ")


@pytest.mark.parametrize("name", ["g.bn[fast]", "g.*"])
def test_a_name_in_a_witness_is_no_glob(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    (tmp_path / "mine.py").write_text(NAMED)
    monkeypatch.chdir(tmp_path)
    assert main(["replay", str(witness(tmp_path, implementation=name)), "--adapter", "mine.py"]) == 1
    (line,) = (one for one in capsys.readouterr().out.splitlines() if " float32: " in one)
    assert line.startswith(f"{name}  float32: fails: ")


def test_a_name_with_brackets_is_found_as_it_is_typed() -> None:
    assert fits("g.bn[fast]", ["g.bn[fast]"])
    assert fits("g.[*]", [exactly("g.[*]")])
    assert not fits("g.bn", [exactly("g.*")])


@pytest.mark.parametrize(
    ("told", "said"),
    [
        ({"spec": ["a"]}, "is about spec ['a']; expected a witness of a spec that there is"),
        ({"spec": "a" * 9999}, "is about spec 'aaa"),
        ({"implementation": None}, "its implementation is None; expected a name"),
        ({"implementation": ["torch.nn.BatchNorm"]}, "its implementation is ['torch.nn.BatchNorm']; expected a name"),
        ({"adapter": {"a": 1}}, "its adapter is {'a': 1}; expected a name"),
        ({"adapter": "\x1b[2J\n\u202e"}, "--adapter '�[2J �'"),
        ({"device": 3}, "its device is 3; expected a name"),
        ({"device": "\x07"}, "unknown device; expected one of cpu, cuda"),
    ],
)
def test_wrong_metadata_are_told_in_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], told: Any, said: str
) -> None:
    path = witness(tmp_path, **{"implementation": "numpy.batchnorm_listing", **told})
    assert main(["replay", str(path)]) == 2
    error = capsys.readouterr().err
    assert said in error
    assert error.count("\n") == 1
    assert error[:-1].isprintable()
    assert len(error) < 900


def test_witness_and_scripts_hold_no_folder_of_this_machine(tmp_path: Path) -> None:
    (tmp_path / "adapters").mkdir()
    (tmp_path / "work").mkdir()
    tiny.adapter(tmp_path / "adapters", "swapped")
    words = ("--spec", "averages_the_running_mean", "--examples", 3, "--timeout", 30)
    for cwd, out, told in (
        (tmp_path, "out", "adapters/tiny.py"),
        (tmp_path / "work", "out", "tiny.py"),
        (tmp_path / "work", tmp_path / "elsewhere", "tiny.py"),
    ):
        adapter = tmp_path / "adapters" / "tiny.py"
        done = tiny.bnconform("run", "--adapter", adapter, *words, "--out", out, cwd=cwd)
        assert done.returncode == 1, done.stdout + done.stderr
        (ended,) = (one["status"] for one in tiny.lines(cwd / out) if one["kind"] == "defect")
        assert ended == 1  # the script was given the file's path
        folder = cwd / out
        files = [one for one in folder.rglob("*") if one.is_file()]
        assert {one.suffix for one in files} >= {".safetensors", ".py", ".jsonl", ".html"}
        for one in files:
            content = one.read_bytes().decode("latin-1")
            assert str(tmp_path) not in content, one
            if one.suffix in (".py", ".safetensors"):
                assert told in content, one


@pytest.mark.parametrize(
    ("typed", "told"),
    [
        ("{here}/a/mine.py", "a/mine.py"),
        ("{other}/mine.py", "mine.py"),
        ("bnconform.adapters.torch", "bnconform.adapters.torch"),
        (
            "pipe:/bin/sh -c 'a b' {other}/x.bin --m={other}/m.bin --m={here}/a/m.bin - https://a/b",
            "pipe:sh -c 'a b' x.bin --m=m.bin --m=a/m.bin - https://a/b",
        ),
        ("pipe:{here}/a/run.sh", "pipe:a/run.sh"),
        ("pipe:{here}/run.sh", "pipe:./run.sh"),
        ("python=/bin/sh:{here}/a/mine.py", "python=sh:a/mine.py"),
    ],
)
def test_an_address_is_told_from_the_current_folder_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, typed: str, told: str
) -> None:
    here, other = tmp_path / "here", tmp_path / "other"
    for path in (here / "a" / "mine.py", other / "mine.py", here / "a" / "run.sh", here / "run.sh"):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("")
        path.chmod(0o755)
    monkeypatch.chdir(here)
    assert named_address(typed.format(here=here, other=other)).told == told
