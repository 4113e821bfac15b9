"""`bnconform new-adapter` writes an adapter that is judged as it stands, and overwrites nothing."""

from __future__ import annotations

from pathlib import Path

import pytest
from worlds import tiny

from bnconform.cli.new_adapter import write_adapter
from bnconform.contract.address import named_address
from bnconform.contract.errors import CallError
from bnconform.engine.runner import Runner
from bnconform.engine.smoke import Smoke, smoke
from bnconform.engine.target import Target
from bnconform.host.client import InProcessHost

OFFERED_NOT = ("not among its features", "not offered", "less than two values", "is declared", "does not declare",
               "data of 16 bits only")  # fmt: skip


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_what_it_writes_loads_and_passes_the_smoke_test_without_a_note(tmp_path: Path, dtype: str) -> None:
    path = tmp_path / "my_library.py"
    write_adapter("my_library", path)
    with InProcessHost(named_address(str(path))) as host:
        (described,) = host.describe()
        assert described.name == "my_library.batch_norm"
        run = Runner(lambda: host, described.name, described.features, described.ranks)
        assert smoke(Target(implementation=described, dtype=dtype), run) == Smoke()
        assert run.calls > 5


@pytest.mark.slow
def test_what_it_writes_keeps_every_statement_that_it_is_asked_for(tmp_path: Path) -> None:
    written = tiny.bnconform("new-adapter", "my_library", cwd=tmp_path)
    words = "my_library.py is an adapter; judge it by: bnconform run --adapter my_library.py\n"
    assert (written.returncode, written.stderr, written.stdout) == (0, "", words)
    done = tiny.bnconform("run", "--adapter", "my_library.py", "--examples", 20, "--out", "out", cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, ""), done.stdout + done.stderr
    found = [line for line in tiny.lines(tmp_path / "out") if line["kind"] == "finding"]
    conforming = {one["spec"] for one in found if one["verdict"] == "conforms"}
    assert conforming >= {
        "normalizes_by_the_batch", "averages_the_running_mean", "averages_the_unbiased_variance",
        "infers_by_the_running_statistics",
    }  # fmt: skip
    missing = {one["spec"]: one["reason"] for one in found if one["verdict"] != "conforms"}
    assert {spec: why for spec, why in missing.items() if not any(words in why for words in OFFERED_NOT)} == {}


def test_a_file_that_is_there_is_never_overwritten(tmp_path: Path) -> None:
    path = tmp_path / "mine.py"
    path.write_text("work of a week\n")
    with pytest.raises(CallError, match=r"mine\.py is there already; expected --out and a file that is not"):
        write_adapter("mine", path)
    assert path.read_text() == "work of a week\n"
    done = tiny.bnconform("new-adapter", "mine", cwd=tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "bnconform: mine.py is there already; expected --out and a file that is not\n"


def test_the_name_of_the_file_can_be_chosen(tmp_path: Path) -> None:
    done = tiny.bnconform("new-adapter", "mine", "--out", "my adapter.py", cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.endswith("bnconform run --adapter 'my adapter.py'\n")
    assert 'name="mine.batch_norm"' in (tmp_path / "my adapter.py").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("name", "file", "message"),
    [
        ("my-library", "mine.py", "new-adapter 'my-library': expected the name of a module, such as my_library"),
        ("class", "mine.py", "new-adapter 'class': expected the name of a module"),
        ("", "mine.py", "new-adapter '': expected the name of a module"),
        ("mine", "mine.txt", r"--out .*mine\.txt: expected a file whose name ends in \.py"),
        ("mine", "no_such_folder/mine.py", r"mine\.py cannot be written: No such file or directory; expected a file"),
    ],
)
def test_what_could_not_be_loaded_is_not_written(tmp_path: Path, name: str, file: str, message: str) -> None:
    with pytest.raises(CallError, match=message):
        write_adapter(name, tmp_path / file)
    assert list(tmp_path.iterdir()) == []
