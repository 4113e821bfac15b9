"""The pytest plugin: it says nothing and does nothing unless pytest is asked to run files of specs.

Rules: every option begins with `--bn-`, so that none clashes with another plugin's; the ini value `bnconform_specs`
names the folder of specs, or `--bn-specs` does; everything heavy waits in `start` until specs are asked for,
since this module is imported by every pytest wherever bnconform is installed.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    """Adds the options, in a group of their own."""
    parser.addini("bnconform_specs", "folder of the specs that bnconform collects", default="")
    group = parser.getgroup("bnconform", "conformance of batch normalization (bnconform)")
    many: dict[str, Any] = {"action": "append", "default": []}
    group.addoption("--bn-specs", metavar="FOLDER", help="folder of the specs; default: the ini value")
    group.addoption("--bn-adapter", **many, metavar="MODULE_OR_FILE", help="judge the implementations of this adapter")
    group.addoption("--bn-implementation", **many, metavar="GLOB", help="judge implementations of such a name")
    group.addoption("--bn-spec", **many, metavar="GLOB", help="judge by specs of such a name or chapter")
    group.addoption("--bn-dtype", **many, metavar="NAME", help="judge in this dtype")
    group.addoption("--bn-device", metavar="NAME", help="cpu (the default) or cuda")
    group.addoption("--bn-examples", type=int, metavar="N", help="examples per spec; default: 100")
    group.addoption("--bn-seed", type=int, metavar="S", help="seed that all cases follow from; default: 0")
    group.addoption("--bn-timeout", type=float, metavar="SECONDS", help="limit for one call; default: 60")
    words = "limit for an adapter to start; default: 120"
    group.addoption("--bn-import-timeout", type=float, metavar="SECONDS", help=words)
    words = "memory that a host may use; default: half of the machine's"
    group.addoption("--bn-host-memory", type=float, metavar="GIB", help=words)
    group.addoption("--bn-budget", metavar="TIME", help="time for the whole run, such as 10m; default: no end")
    group.addoption("--bn-shard", metavar="K/N", help="judge this of N parts alone; default: all")
    group.addoption("--bn-in-process", action="store_true", help="no host processes: for a debugger")
    group.addoption("--bn-deviations", metavar="FOLDER", help="known deviations; default: bnconform's own; '': none")
    words = "what is told of what is wrong: defects, statements or findings (the default)"
    group.addoption("--bn-tell", metavar="WHAT", help=words)
    group.addoption("--bn-strict", action="store_true", help="statements of prudence decide the exit status as well")
    group.addoption("--bn-without-variants", action="store_true", help="opt-in implementations take no part")
    group.addoption("--bn-cell", help=argparse.SUPPRESS)  # of a matrix, as `bnconform matrix run` states it
    group.addoption("--bn-resume", action="store_true", help=argparse.SUPPRESS)  # as `bnconform run --resume` has it
    group.addoption("--bn-command", help=argparse.SUPPRESS)  # what the user typed, where that was not pytest
    group.addoption("--bn-out", metavar="DIR", help="where results and report are written; default: nowhere")


def pytest_configure(config: pytest.Config) -> None:
    """Loads the judge, where the folder of specs, or a file in it, is among the arguments."""
    folder = specs_folder(config)
    if folder is None or config.option.help or getattr(config.option, "markers", False):
        return
    if any(_touches(config, argument, folder) for argument in config.args):
        config.pluginmanager.import_plugin("bnconform.cli.session.start")


def specs_folder(config: pytest.Config) -> Path | None:
    """Returns the folder of specs that this call of pytest knows, if it knows one."""
    folder = config.getoption("--bn-specs") or config.getini("bnconform_specs")
    return (config.rootpath / folder).resolve() if folder else None


def _touches(config: pytest.Config, argument: str, folder: Path) -> bool:
    path = (config.invocation_params.dir / str(argument).partition("::")[0]).resolve()
    return path == folder or folder in path.parents or path in folder.parents
