"""The command line: `bnconform run`, `convert`, `new-adapter`, `fingerprint`, `deviations`, `list`, `report`, `replay`.

Rules: `run` is a front door to pytest with good defaults, shut off from the plugins and settings of the folder it is
called in; the exit status is 0 for nothing but conforms, deviates, unsupported and failures that the registry knows,
1 for another statement not kept and for a known failure that no longer is as known, 2 for a wrong call, for nothing
that ran and for a broken adapter; errors are one message, never a traceback.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import shlex
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from hypothesis.configuration import set_hypothesis_home_dir

from bnconform.cli.compare import add_compare, add_diff
from bnconform.cli.convert.command import add_convert
from bnconform.cli.deviations import add_deviations
from bnconform.cli.fingerprint import add_fingerprint
from bnconform.cli.listing import list_faults, list_implementations, list_specs
from bnconform.cli.new_adapter import add_new_adapter
from bnconform.cli.replay import replay
from bnconform.cli.report import add_report
from bnconform.cli.selftest import Scope, selftest
from bnconform.cli.session.telling import DETAILS
from bnconform.contract.errors import CallError, ContractError
from bnconform.contract.text import visible
from bnconform.engine.book import specs_folder
from bnconform.engine.selection import Request
from bnconform.engine.tally import Effort

DEFAULT_OUT = Path("reports") / "latest"


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the command line; returns the exit status."""
    arguments = sys.argv[1:] if arguments is None else list(arguments)
    options = _parser().parse_args(arguments)
    options.typed = shlex.join(["bnconform", *arguments])
    try:
        return int(options.run(options))
    except (CallError, ContractError) as error:
        print(f"bnconform: {visible(str(error))}", file=sys.stderr)
        return 2


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="bnconform", description=__doc__.partition("\n")[0] if __doc__ else None)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    run = commands.add_parser("run", help="judge implementations and write a report")
    run.set_defaults(run=_run)
    _add_choices(run)
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
    run.add_argument("--out", type=Path, default=DEFAULT_OUT, metavar="DIR", help=f"({DEFAULT_OUT})")
    run.add_argument("--in-process", action="store_true", help="no host processes: for a debugger")
    words = "tell the statements that each defect breaks; twice: every finding at length"
    run.add_argument("-v", dest="verbose", action="count", default=0, help=words)
    words = "statements that no document makes, but prudence asks for, decide the exit status as well"
    run.add_argument("--strict", action="store_true", help=words)
    known = run.add_mutually_exclusive_group()
    known.add_argument("--deviations", metavar="FOLDER", help="known deviations (bnconform's own)")
    known.add_argument("--no-deviations", dest="deviations", action="store_const", const="", help="search these, too")
    test = commands.add_parser("selftest", help="show that planted faults are caught and correct variants are not")
    test.set_defaults(run=_selftest)
    test.add_argument("--fault", action="append", default=[], metavar="GLOB", help="faults of such a name")
    test.add_argument("--dtype", action="append", default=[], metavar="NAME", help="in this dtype")
    test.add_argument("--examples", type=int, default=Effort.examples, metavar="N", help="examples per spec (100)")
    test.add_argument("--seed", type=int, default=Effort.seed, metavar="S", help="what all cases follow from (0)")
    test.add_argument("--values", type=float, default=1e6, metavar="V", help="compare so many correct values (1e6)")
    test.add_argument("-n", dest="workers", type=int, default=1, metavar="WORKERS", help="processes side by side")
    test.add_argument("--record", action="store_true", help="keep the score for the reports of this version")
    add_fingerprint(commands)
    add_deviations(commands)
    add_compare(commands)
    add_diff(commands)
    add_new_adapter(commands)
    add_convert(commands)
    listing = commands.add_parser("list", help="list specs, implementations or faults")
    listing.set_defaults(run=_list)
    listing.add_argument("what", nargs="?", choices=("specs", "implementations", "faults"), default="implementations")
    listing.add_argument(
        "--results", action="append", type=Path, default=[], metavar="RESULTS", help="of a run: what was measured"
    )
    listing.add_argument("--adapter", action="append", default=[], metavar="ADAPTER", help="of this alone")
    listing.add_argument("--links", action="store_true", help="where implementations document what is listed")
    add_report(commands, DEFAULT_OUT)
    again = commands.add_parser("replay", help="judge an implementation by a witness")
    again.set_defaults(run=_replay)
    again.add_argument("witness", type=Path, metavar="WITNESS", help="a file of witnesses/")
    again.add_argument("--script", action="store_true", help="print the script that reproduces it instead")
    _add_choices(again)
    return parser


def _add_choices(parser: argparse.ArgumentParser) -> None:
    words = "an adapter of yours: a module or .py file, also behind python=INTERPRETER:, or pipe:COMMAND of a program"
    parser.add_argument("--adapter", action="append", default=[], metavar="ADAPTER", help=words)
    parser.add_argument("--implementation", action="append", default=[], metavar="GLOB", help="those of such a name")


def _run(options: argparse.Namespace) -> int:
    folder = specs_folder()
    words = ["--bn-specs", str(folder), "--bn-out", str(options.out), "--bn-command", options.typed]
    for name in ("adapter", "implementation", "spec", "dtype"):
        words += [f"--bn-{name}={value}" for value in getattr(options, name)]
    for name in ("device", "examples", "seed", "timeout", "import_timeout", "host_memory"):
        value = getattr(options, name)
        words += [] if value is None else [f"--bn-{name.replace('_', '-')}={value}"]
    words += ["--bn-in-process"] * options.in_process + ["--bn-strict"] * options.strict
    words += [f"--bn-tell={DETAILS[min(options.verbose, 2)]}"]
    words += [] if options.deviations is None else [f"--bn-deviations={options.deviations}"]
    with tempfile.TemporaryDirectory() as scratch:
        settings = Path(scratch) / "pytest.ini"
        settings.write_text("[pytest]\n", encoding="utf-8")
        own = ["-c", str(settings), "--rootdir", str(folder.parent), "--noconftest", "-p", "no:cacheprovider"]
        plugins = ["-p", "bnconform.cli.session.plugin", "-p", "xdist.plugin", "-n", options.workers]
        set_hypothesis_home_dir(scratch)
        with _nothing_of_the_users():
            told = Status()
            pytest.main([*own, *plugins, "--tb=short", "-rN", "-q", *words, str(folder)], plugins=[told])
    return told.status


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


def _list(options: argparse.Namespace) -> int:
    if options.what == "implementations":
        print("\n".join(list_implementations(options.results, options.links, options.adapter)))
    else:
        print("\n".join({"specs": list_specs, "faults": list_faults}[options.what]()))
    return 0


def _selftest(options: argparse.Namespace) -> int:
    Request(dtypes=tuple(options.dtype), examples=options.examples).check()
    scope = Scope(
        dtypes=tuple(options.dtype),
        faults=tuple(options.fault),
        effort=Effort(examples=options.examples, seed=options.seed),
        values=options.values,
        workers=options.workers,
        record=options.record,
    )
    return selftest(scope)


def _replay(options: argparse.Namespace) -> int:
    return replay(options.witness, tuple(options.implementation), options.adapter, script=options.script)


if __name__ == "__main__":
    sys.exit(main())
