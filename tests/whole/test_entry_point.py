"""An installed package brings its own adapter, under the entry-point group `bnconform.adapters`."""

from __future__ import annotations

import os
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

import pytest
from worlds import tiny

from bnconform.cli import main
from bnconform.contract import address

INIT = """
import numpy as np

def batch_norm(x, gamma, beta, eps):  # the library, which knows nothing of bnconform
    return gamma * ((x - x.mean(axis=0)) / np.sqrt(x.var(axis=0) + eps)) + beta
"""
ADAPTER = """
import bnconform_tiny_library
from bnconform import Implementation, Outcome, Unsupported

def run(case):
    if case.mode != "train" or len(case.x) < 2:
        raise Unsupported("training on several rows only")
    one = case.x.dtype.type
    gamma, beta = one(1) if case.gamma is None else case.gamma, one(0) if case.beta is None else case.beta
    return Outcome(y=bnconform_tiny_library.batch_norm(case.x, gamma, beta, one(case.eps)))

IMPLEMENTATIONS = [
    Implementation(name="tinylib.batch_norm", run=run, version="7.5", dtypes={"float32"}, ranks={2})
]
"""
LINE = "tinylib.batch_norm  7.5  float32  cpu"


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder on the path with a package and what an installer notes of it."""
    site = tmp_path / "site"
    package, info = site / "bnconform_tiny_library", site / "bnconform_tiny_library-7.5.dist-info"
    for folder in (package, info):
        folder.mkdir(parents=True)
    (package / "__init__.py").write_text(INIT, encoding="utf-8")
    (package / "conformance.py").write_text(ADAPTER, encoding="utf-8")
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: bnconform-tiny-library\nVersion: 7.5\n")
    (info / "entry_points.txt").write_text("[bnconform.adapters]\ntinylib = bnconform_tiny_library.conformance\n")
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(filter(None, (str(site), os.environ.get("PYTHONPATH")))))
    monkeypatch.syspath_prepend(str(site))
    return tmp_path


def test_a_run_judges_it_by_its_name(installed: Path) -> None:
    words = ("--implementation", "tinylib.*", "--spec", "normalizes_by_the_batch", "--spec", "inference")
    done = tiny.bnconform("run", *words, "--examples", 20, "--out", "out", cwd=installed)
    assert (done.returncode, done.stderr) == (0, ""), done.stdout + done.stderr
    run, *found, _ = tiny.lines(installed / "out")
    (listed,) = run["implementations"]
    assert (listed["name"], listed["version"]) == ("tinylib.batch_norm", "7.5")
    assert listed["adapter"] == "bnconform_tiny_library.conformance"
    verdicts = {one["spec"]: one["verdict"] for one in found}
    assert verdicts.pop("normalizes_by_the_batch") == "conforms"
    assert set(verdicts.values()) == {"unsupported"}


def test_a_run_judges_it_as_a_module_beside_a_file(installed: Path) -> None:
    tiny.adapter(installed, "right")
    words = ("--adapter", "bnconform_tiny_library.conformance", "--adapter", "tiny.py", "--spec")
    done = tiny.bnconform("run", *words, "has_normalized_moments", "--examples", 20, "--out", "out", cwd=installed)
    assert (done.returncode, done.stderr) == (0, ""), done.stdout + done.stderr
    assert {name: verdict for (name, *_), verdict in tiny.verdicts(installed / "out").items()} == {
        "tinylib.batch_norm": "conforms",
        "tiny.right": "conforms",
    }


def test_it_is_listed(installed: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    def of_the_package_alone(**chosen: Any) -> Any:  # the others would start every framework that is installed
        return [point for point in entry_points(**chosen) if point.module.startswith("bnconform_tiny_library")]

    monkeypatch.setattr(address, "entry_points", of_the_package_alone)
    assert main.main(["list", "implementations"]) == 0
    assert capsys.readouterr().out.splitlines()[0] == LINE


def test_what_it_lacks_is_named(installed: Path) -> None:
    (installed / "site" / "bnconform_tiny_library" / "__init__.py").write_text("import bnconform_absent_framework\n")
    done = tiny.bnconform("run", "--implementation", "tinylib.*", "--examples", 3, cwd=installed)
    assert done.returncode == 2
    assert "--implementation 'tinylib.*' fits nothing" in done.stderr
    assert "not installed: bnconform_absent_framework" in done.stderr
