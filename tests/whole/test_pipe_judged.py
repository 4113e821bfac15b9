"""Programs behind a pipe are judged as any adapter is, from the smoke test to scripts; one in C is right."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from worlds import tiny
from worlds.programs import ECHO, HEAD, TAIL, offered, program

EXAMPLE = Path(__file__).resolve().parents[2] / "examples" / "pipe_c" / "batch_norm.c"
CHAPTERS = [word for name in ("normalization", "running_statistics", "inference") for word in ("--spec", name)]
MISPLACES = """
import numpy as np
def misplaces(message, header, data):
    'offered'
    read = {name: np.frombuffer(data[slice(*about["data_offsets"])], "<f4").reshape(about["shape"])
            for name, about in header.items()}
    case, x = message["case"], np.moveaxis(read["x"], message["case"]["axis"], -1)
    if case["mode"] != "train":
        return frame({"kind": "NotOffered", "reason": "training only"})
    axes = tuple(range(x.ndim - 1))
    y = (x - x.mean(axes)) / np.sqrt(x.var(axes) + np.float32(case["eps"]))
    y = np.moveaxis(y * read.get("gamma", 1) + read.get("beta", 0), -1, case["axis"]).astype("<f4")
    about = {**header["x"], "data_offsets": [0, y.nbytes]}
    return frame({"kind": "Outcome"}, {"y": about}, y.T.tobytes())
"""


def findings(out: Path) -> list[dict[str, Any]]:
    return [line for line in tiny.lines(out) if line["kind"] == "finding"]


def test_what_breaks_is_a_verdict_and_misplaced_values_are_the_adapters(tmp_path: Path) -> None:
    functions = [
        offered("crashes", "os.abort()"),
        offered("hangs", "time.sleep(1e6)"),
        offered("prints", "return b'y = 1.25\\n'"),
        offered("echoes", "return echo(message, header, data)"),
        MISPLACES,
    ]
    target = program(tmp_path, "".join(functions)).target
    words = ("--spec", "normalizes_by_the_batch", "--dtype", "float32", "--examples", 3, "--timeout", 1)
    done = tiny.bnconform("run", "--adapter", target, *words, "--out", "out", cwd=tmp_path)
    assert (done.returncode, done.stderr) == (1, ""), done.stdout + done.stderr
    found = {one["implementation"].partition(".")[2]: one for one in findings(tmp_path / "out")}
    assert {name: one["verdict"] for name, one in found.items()} == {
        "crashes": "crashes", "hangs": "hangs", "echoes": "fails", "prints": "unsupported", "misplaces": "unsupported",
    }  # fmt: skip
    assert "SIGABRT" in found["crashes"]["reason"]
    assert "no answer within 1 s" in found["hangs"]["reason"]
    assert "it wrote b'y = 1.25" in found["prints"]["reason"]
    assert "its values are right but stand in the order of the axes (1, 0)" in found["misplaces"]["reason"]
    assert {name for name, one in found.items() if one.get("fault") == "adapter"} == {"prints", "misplaces"}
    assert all(str(tmp_path) not in one["reason"] for one in found.values())


def test_a_program_that_breaks_the_protocol_is_a_wrong_call(tmp_path: Path) -> None:
    target = program(tmp_path, "print('hello world', flush=True)\n", tail="").target
    done = tiny.bnconform("run", "--adapter", target, "--examples", 3, cwd=tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert "program.py does not say what it offers: it wrote b'hello world" in done.stderr


def test_a_witness_of_a_program_is_replayed_and_its_script_starts_it(tmp_path: Path) -> None:
    target = program(tmp_path, ECHO).target
    words = ("--spec", "normalizes_by_the_batch", "--dtype", "bfloat16", "--examples", 3, "--out", "out")
    assert tiny.bnconform("run", "--adapter", target, *words, cwd=tmp_path).returncode == 1
    (found,) = findings(tmp_path / "out")
    again = tiny.bnconform("replay", tmp_path / "out" / found["witness"], "--adapter", target, cwd=tmp_path)
    assert (again.returncode, again.stderr) == (1, "")
    assert again.stdout.startswith("pipe.same 1.2 bfloat16: fails: normalizes_by_the_batch: y[")
    command = [sys.executable, tmp_path / "out" / found["reproduce"], target]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=100, check=False)
    assert (done.returncode, done.stderr) == (1, "")
    assert "y: worst ratio " in done.stdout
    gone = offered("same", "return frame({'kind': 'NotOffered', 'reason': 'not today'})")
    (tmp_path / "program.py").write_text(HEAD + gone + TAIL, encoding="utf-8")
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=100, check=False)
    assert "RuntimeError: NotOffered(reason='not today')" in done.stderr


# The example in C


@pytest.fixture(scope="module")
def compiled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the example in C, right and with a wrong ε."""
    compiler = shutil.which("cc") or shutil.which("gcc") or shutil.which("clang")
    if compiler is None:
        pytest.skip("no C compiler is installed")
    folder = tmp_path_factory.mktemp("pipe_c")
    for name, options in {"batch_norm": [], "wrong": ["-DWRONG_EPSILON"]}.items():
        subprocess.run([compiler, "-O2", *options, "-o", folder / name, EXAMPLE, "-lm"], check=True, timeout=100)
    return folder


@pytest.mark.slow
def test_the_example_in_c_keeps_every_statement(compiled: Path) -> None:
    words = ("--adapter", "pipe:./batch_norm", *CHAPTERS, "--spec", "gradients", "--spec", "degenerate")
    done = tiny.bnconform("run", *words, "--examples", 30, "--out", "out", cwd=compiled)
    assert (done.returncode, done.stderr) == (0, ""), done.stdout + done.stderr
    found = findings(compiled / "out")
    assert {one["dtype"] for one in found} == {"float32", "float64"}
    assert {one["verdict"] for one in found} == {"conforms", "unsupported"}
    missing = {one["spec"]: one["reason"] for one in found if one["verdict"] == "unsupported"}
    offered_not = ("not among its features", "less than two values", "running_mean is not offered")
    assert {spec: why for spec, why in missing.items() if not any(words in why for words in offered_not)} == {}
    assert sum(one["verdict"] == "conforms" for one in found) > 80
    assert tiny.lines(compiled / "out")[0]["implementations"][0]["adapter"] == "pipe:batch_norm"


def test_a_wrong_epsilon_in_c_is_seen_and_named(compiled: Path) -> None:
    words = ("--adapter", "pipe:./wrong", "--spec", "normalization", "--dtype", "float32", "--examples", 20)
    done = tiny.bnconform("run", *words, "--out", "wrong_out", cwd=compiled)
    assert done.returncode == 1, done.stdout + done.stderr
    failed = {one["spec"]: one for one in findings(compiled / "wrong_out") if one["verdict"] == "fails"}
    assert {"adds_epsilon_inside_the_root", "normalizes_by_the_batch", "follows_the_listing"} <= set(failed)
    assert {one["diagnosis"][0]["fault"] for one in failed.values()} == {"epsilon_outside_the_root"}
