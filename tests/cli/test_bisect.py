"""A change that was planted in a local package of eight releases is found; one that does not install is no obstacle."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from worlds import releases, tiny

from bnconform import Case
from bnconform.cli.matrix import bisect
from bnconform.contract.errors import CallError
from bnconform.contract.wire import save_case


def witness_of(folder: Path, adapter: Path) -> Path:
    """Makes a witness by judging a release that is wrong."""
    (folder / "tinybn.py").write_text("VERSION, ADDED = '9', 0.5\n", encoding="utf-8")
    words = ("--spec", "normalizes_by_the_batch", "--examples", "2", "--out", "out")
    tiny.bnconform("run", "--adapter", adapter, *words, cwd=folder)
    (folder / "tinybn.py").unlink()
    (found,) = (folder / "out" / "witnesses").glob("*.safetensors")
    return found


@pytest.mark.slow
def test_a_planted_change_is_found_among_eight_releases(tmp_path: Path) -> None:
    added = {f"1.{place}": releases.RIGHT if place < 5 else releases.WRONG for place in range(8)}
    options = releases.wheels(tmp_path / "wheels", added | {"1.3": "broken"})
    adapter = releases.adapter(tmp_path)
    witness = witness_of(tmp_path, adapter)
    words = ["tinybn.norm", witness, "--adapter", adapter, "--environments", "made"]
    words += [f"--installer-option={word}" for word in options]
    found = tiny.bnconform("bisect", *words, "--versions", "tinybn>=1.0", cwd=tmp_path)
    assert found.returncode == 0, found.stdout + found.stderr
    assert "8 released versions of tinybn, 1.0 to 1.7" in found.stdout
    assert "tinybn.norm: conforms in 1.4, fails from 1.5 on" in found.stdout
    around = tiny.bnconform("bisect", *words, "--versions", "tinybn>=1.2,<=1.5", cwd=tmp_path)
    assert "1.3: stepped around, no verdict" in around.stdout
    assert "conforms in 1.4, fails from 1.5 on" in around.stdout
    same = tiny.bnconform("bisect", *words, "--versions", "tinybn<=1.2", cwd=tmp_path)
    assert (same.returncode, "no change" in same.stdout) == (1, True)


def test_wrong_calls_say_what_was_expected(tmp_path: Path) -> None:
    strange = ("--versions", "tiny>>1"), "expected such as 'flax>=0.6,<=0.12'"
    short = ("--versions", "tiny>1", "--python", "3"), "--python '3': expected a version such as 3.11"
    for words, told in (strange, short):
        found = tiny.bnconform("bisect", "tinybn.norm", "w.safetensors", *words, cwd=tmp_path)
        assert (found.returncode, told in found.stderr) == (2, True)


def test_the_adapter_is_the_witnesses_own_where_it_is_installed(tmp_path: Path) -> None:
    x = np.ones((2, 1), np.float32)
    case = Case(mode="train", x=x, gamma=None, beta=None, running_mean=None, running_var=None, eps=0.0, momentum=0.1)
    for number, adapter in enumerate(("bnconform.adapters.mlx", "python=python:bnconform.adapters.mlx")):
        save_case(tmp_path / f"{number}.safetensors", case, adapter=adapter)
        assert bisect._adapter_of(tmp_path / f"{number}.safetensors") == "bnconform.adapters.mlx"
    save_case(tmp_path / "other.safetensors", case, adapter="python=python:theirs")
    with pytest.raises(CallError, match="name it with --adapter if you trust it"):
        bisect._adapter_of(tmp_path / "other.safetensors")
