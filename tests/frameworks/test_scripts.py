"""Each script of the registry still shows what it was written to show, where its framework is installed.

A script is what a maintainer of the framework would paste into an issue: at most 25 lines, which print the version,
what was returned and what is due, and end with status 1 where the deviation shows and 0 where it does not. It needs the
framework and NumPy alone, so it runs in a process of its own in which bnconform cannot be imported.
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
LINES = 25
ALONE = "import runpy, sys; sys.modules['bnconform'] = None; runpy.run_path(sys.argv[1], run_name='__main__')"
"""A program that runs a script where importing bnconform fails, wherever it is installed."""
BACKEND = re.compile(r'"KERAS_BACKEND"(?:, |\] = )"(\w+)"')


def run_alone(script: Path, folder: Path) -> subprocess.CompletedProcess[str]:
    """Runs a script in `folder`, in the environment of a user: neither the checkout nor PYTHONPATH is on its path, and
    no adapter that another test imported has chosen a backend."""
    environment = {k: v for k, v in tiny.environment().items() if k not in ("KERAS_BACKEND", "PYTHONPATH")}
    command = [sys.executable, "-I", "-c", ALONE, str(script)]
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)


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
    done = run_alone(script, tmp_path)
    assert "Traceback" not in done.stderr, done.stderr
    assert done.returncode == 1, done.stdout
    assert "returned" in done.stdout
    assert "due" in done.stdout


@pytest.mark.parametrize("module", ["bnconform", "bnconform.oracle.reference"])
def test_a_script_that_needed_bnconform_would_end_with_a_traceback(module: str, tmp_path: Path) -> None:
    script = tmp_path / "needs_it.py"
    script.write_text(f"import {module}\n", encoding="utf-8")
    done = run_alone(script, tmp_path)
    assert "Traceback" in done.stderr
    assert "ModuleNotFoundError" in done.stderr


@pytest.mark.parametrize("script", SCRIPTS, ids=names)
def test_a_script_fits_an_issue_and_never_imports_bnconform(script: Path) -> None:
    text = script.read_text(encoding="utf-8")
    assert len(text.splitlines()) <= LINES
    assert "bnconform" not in text
    assert "__version__" in text or "version(" in text


@pytest.mark.parametrize("script", SCRIPTS, ids=names)
def test_a_script_begins_with_what_is_wrong_and_ends_with_its_status(script: Path) -> None:
    text = script.read_text(encoding="utf-8")
    tree = ast.parse(text)
    head = ast.get_docstring(tree) or ""
    assert len(head.splitlines()) <= 2
    assert head.endswith("Exit status 1: still so.")
    last = tree.body[-1]
    assert isinstance(last, ast.Raise)
    assert ast.unparse(last).startswith("raise SystemExit(int(")
    assert "  # " in text.splitlines()[-1], "the last line says its tolerance in words"
