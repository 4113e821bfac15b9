"""Each script of the registry still shows what it was written to show, where its framework is installed.

A script ends with status 1 where the deviation shows, and with 0 where it does not. It needs the framework and NumPy
alone, so it runs in a process of its own, without bnconform.
"""

from __future__ import annotations

import ast
import importlib.util
import re
import subprocess
import sys
from importlib.metadata import PackageNotFoundError, packages_distributions, version
from pathlib import Path

import pytest
from worlds import tiny

from bnconform.results.deviations import load_registry
from bnconform.results.deviations.registry import FOLDER

SCRIPTS = sorted(FOLDER.glob("*/*.py"))
BACKEND = re.compile(r'"KERAS_BACKEND"(?:, |\] = )"(\w+)"')


def _environment() -> dict[str, str]:
    """The environment of a user: an adapter that another test imported may have chosen a backend in this process."""
    return {name: value for name, value in tiny.environment().items() if name != "KERAS_BACKEND"}


def names(script: Path) -> str:
    return script.relative_to(FOLDER).as_posix()


def needed(script: Path) -> set[str]:
    """The modules that a script imports, Keras's backend among them."""
    text = script.read_text(encoding="utf-8")
    tree = ast.parse(text)
    modules = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    modules |= {node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    return {name.partition(".")[0] for name in modules | set(BACKEND.findall(text))}


def out_of_range(script: Path) -> str:
    """In words, where the installed framework is no version that the causes of this script are about; else ""."""
    causes = {one.cause for one in load_registry().deviations if one.cause.script.endswith(f"/{names(script)}")}
    module = "tensorflow" if script.parent.name == "tf" else script.parent.name
    try:
        found = version(packages_distributions().get(module, [module])[0])
    except PackageNotFoundError:
        return ""
    return "" if not causes or any(one.covers(found) for one in causes) else f"not of {module} {found}"


@pytest.mark.framework
@pytest.mark.slow
@pytest.mark.parametrize("script", SCRIPTS, ids=names)
def test_a_script_shows_its_deviation(script: Path, tmp_path: Path) -> None:
    lacking = sorted(name for name in needed(script) if importlib.util.find_spec(name) is None)
    if lacking or out_of_range(script):
        pytest.skip(", ".join(lacking) or out_of_range(script))
    done = subprocess.run(
        [sys.executable, str(script)], cwd=tmp_path, env=_environment(), capture_output=True, text=True, check=False
    )
    assert "Traceback" not in done.stderr, done.stderr
    assert done.returncode == 1, done.stdout


@pytest.mark.parametrize("script", SCRIPTS, ids=names)
def test_a_script_stands_alone_and_ends_with_its_status(script: Path) -> None:
    text = script.read_text(encoding="utf-8")
    assert len(text.splitlines()) <= 50
    assert "bnconform" not in needed(script)
    last = ast.parse(text).body[-1]
    assert isinstance(last, ast.Raise)
    assert ast.unparse(last).startswith("raise SystemExit(int(")
