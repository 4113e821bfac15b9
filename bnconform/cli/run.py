"""The command `run`: a front door to pytest with good defaults.

Rules: the session is shut off from the plugins and settings of the folder it is called in; the exit status is that of
the session itself, never one that is read from a file.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import shlex
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis.configuration import set_hypothesis_home_dir

from bnconform.cli.session.telling import DETAILS
from bnconform.contract.address import installed_addresses
from bnconform.contract.errors import CallError
from bnconform.engine.book import specs_folder
from bnconform.engine.selection import Request
from bnconform.results.file import read_results

DEFAULT_OUT = Path("reports") / "latest"


def add_run(commands: Any) -> None:
    """Adds the command."""
    run = commands.add_parser("run", help="judge implementations and write a report")
    run.set_defaults(run=_run)
    add_choices(run)
    run.add_argument("--spec", action="append", default=[], metavar="GLOB", help="judge by specs of such a name")
    run.add_argument("--dtype", action="append", default=[], metavar="NAME", help="judge in this dtype")
    run.add_argument("--device", default=Request.device, metavar="cpu|cuda", help="where implementations compute")
    run.add_argument("--examples", type=int, default=Request.examples, metavar="N", help="examples per spec (100)")
    run.add_argument("--seed", type=int, default=Request.seed, metavar="S", help="what all cases follow from (0)")
    run.add_argument("-n", dest="workers", default="0", metavar="WORKERS", help="processes that judge side by side")
    run.add_argument("--timeout", type=float, default=Request.timeout, metavar="SECONDS", help="for one call (60)")
    slowest = Request.import_timeout
    run.add_argument("--import-timeout", type=float, default=slowest, metavar="SECONDS", help=f"to start ({slowest:g})")
    words = "that a host may use; more ends it (half of the machine's)"
    run.add_argument("--host-memory", type=float, default=None, metavar="GIB", help=words)
    words = "time for the whole run, such as 90s, 10m or 2h: shared out among what is to be judged (no end)"
    words = "opt-in variants take no part, not even where their adapter or a glob names them"
    run.add_argument("--without-variants", action="store_true", help=words)
    run.add_argument("--cell", help=argparse.SUPPRESS)  # as `bnconform matrix run` states it
    words_of_shard = "judge this of N parts alone, such as 2/3; `bnconform join` makes one run of all"
    run.add_argument("--shard", default="", metavar="K/N", help=words_of_shard)
    run.add_argument("--budget", metavar="TIME", help=words)
    run.add_argument("--out", type=Path, default=DEFAULT_OUT, metavar="DIR", help=f"({DEFAULT_OUT})")
    words = "go on with the interrupted run there, by the options that it began with"
    run.add_argument("--resume", type=Path, metavar="DIR", help=words)
    run.add_argument("--in-process", action="store_true", help="no host processes: for a debugger")
    words = "tell the statements that each defect breaks; twice: every finding at length"
    run.add_argument("-v", dest="verbose", action="count", default=0, help=words)
    words = "statements that no document makes, but prudence asks for, decide the exit status as well"
    run.add_argument("--strict", action="store_true", help=words)
    known = run.add_mutually_exclusive_group()
    known.add_argument("--deviations", metavar="FOLDER", help="known deviations (bnconform's own)")
    known.add_argument("--no-deviations", dest="deviations", action="store_const", const="", help="search these, too")


def add_choices(parser: argparse.ArgumentParser) -> None:
    """Adds the options that choose adapters and implementations."""
    words = "an adapter of yours: a module or .py file, also behind python=INTERPRETER:, or pipe:COMMAND of a program"
    parser.add_argument("--adapter", action="append", default=[], metavar="ADAPTER", help=words)
    parser.add_argument("--implementation", action="append", default=[], metavar="GLOB", help="those of such a name")


def go_on(out: Path, adapters: Sequence[str] = (), workers: str = "0") -> int:
    """Goes on with the interrupted run in `out`; returns the exit status. adapters: those that are not installed."""
    parser = argparse.ArgumentParser()
    add_run(parser.add_subparsers())
    typed = ["run", f"--resume={out}", "-n", workers, *(f"--adapter={one}" for one in adapters)]
    options = parser.parse_args(typed)
    options.explicit = argparse.Namespace(resume=out, **({"adapter": list(adapters)} if adapters else {}))
    options.typed = shlex.join(["bnconform", *typed])
    return _run(options)


def _run(options: argparse.Namespace) -> int:
    folder = specs_folder()
    if options.resume is not None:
        _take_up(options)
    words = [f"--bn-specs={folder}", f"--bn-out={options.out}", f"--bn-command={options.typed}"]
    for name in ("adapter", "implementation", "spec", "dtype"):
        words += [f"--bn-{name}={value}" for value in getattr(options, name)]
    for name in ("device", "examples", "seed", "timeout", "import_timeout", "host_memory"):
        value = getattr(options, name)
        words += [] if value is None else [f"--bn-{name.replace('_', '-')}={value}"]
    words += ["--bn-in-process"] * options.in_process + ["--bn-strict"] * options.strict
    words += ["--bn-without-variants"] * options.without_variants
    words += [] if options.cell is None else [f"--bn-cell={options.cell}"]
    words += [f"--bn-shard={options.shard}"] * bool(options.shard)
    words += [] if options.budget is None else [f"--bn-budget={options.budget}"]
    words += ["--bn-resume"] * (options.resume is not None)
    words += [f"--bn-tell={DETAILS[min(options.verbose, 2)]}"]
    words += [] if options.deviations is None else [f"--bn-deviations={options.deviations}"]
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as scratch:
        settings = Path(scratch) / "pytest.ini"
        settings.write_text("[pytest]\n", encoding="utf-8")
        own = ["-c", str(settings), "--rootdir", str(folder.parent), "--noconftest", "-p", "no:cacheprovider"]
        own += ["-p", "no:unraisableexception"]  # which would tell of a signal that came in the garbage collector
        own += ["--basetemp", str(Path(scratch) / "workers")]
        plugins = ["-p", "bnconform.cli.session.plugin", "-p", "xdist.plugin", "-n", options.workers]
        set_hypothesis_home_dir(scratch)
        with _nothing_of_the_users():
            told = Status()
            pytest.main([*own, *plugins, "--tb=short", "-rN", "-q", *words, str(folder)], plugins=[told])
    return told.status


def _take_up(options: argparse.Namespace) -> None:
    """Takes the options of the interrupted run; raises CallError for one that was typed and differs.

    What a file names is not imported or started for that alone: an adapter that is not installed is to be typed again.
    """
    recorded = read_results(options.resume).run.get("request")
    if recorded is None:
        raise CallError(f"{options.resume} holds a run of an earlier version, which cannot be resumed; start it anew")
    typed = vars(options.explicit)
    if "out" in typed and typed["out"].resolve() != options.resume.resolve():
        raise CallError(f"--out {typed['out']} is not {options.resume}, the folder of --resume; leave it out")
    options.out = options.resume
    for name, value in recorded.items():
        if name in ("adapter", "deviations") and name in typed:
            continue  # where they lie may have changed; their contents are compared by digest
        if name in typed and typed[name] != value:
            raise CallError(f"--{name} {typed[name]} differs from {value}, with which the run began; leave it out")
        if hasattr(options, name):
            setattr(options, name, value)
    installed = {one.target for one in installed_addresses()}
    strangers = [one for one in options.adapter if one not in installed]
    if strangers and "adapter" not in typed:
        words = " ".join(f"--adapter={shlex.quote(one)}" for one in strangers)
        raise CallError(f"the run in {options.resume} is of an adapter that is not installed; type it again: {words}")


@contextlib.contextmanager
def _nothing_of_the_users() -> Iterator[None]:
    """Keeps the user's own plugins and options of pytest out of a run."""
    kept = {name: os.environ.pop(name, None) for name in ("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "PYTEST_ADDOPTS")}
    os.environ["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"
    try:
        yield
    finally:
        del os.environ["PYTEST_DISABLE_PLUGIN_AUTOLOAD"]
        os.environ.update({name: value for name, value in kept.items() if value is not None})


class Status:
    """A plugin that takes the exit status from the session itself; 2 where there was none, or where it was not over."""

    def __init__(self) -> None:
        self.status = 2

    @pytest.hookimpl(trylast=True)
    def pytest_unconfigure(self, config: pytest.Config) -> None:
        """Reads the status of the account, which is complete by now."""
        session = config.pluginmanager.getplugin("bnconform-session")
        if session is not None:
            self.status = session.account.status
