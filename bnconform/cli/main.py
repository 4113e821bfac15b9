"""The command line: `bnconform run`, `convert`, `new-adapter`, `fingerprint`, `deviations`, `list`, `report`, `replay`.

Rules: `run` is a front door to pytest with good defaults, shut off from the plugins and settings of the folder it is
called in; the exit status is 0 for nothing but conforms, deviates, unsupported and failures that the registry knows,
1 for another statement not kept and for a known failure that no longer is as known, 2 for a wrong call, for nothing
that ran and for a broken adapter; errors are one message, never a traceback.
"""

from __future__ import annotations

import argparse
import shlex
import sys
from collections.abc import Sequence
from pathlib import Path

from bnconform.cli.compare import add_compare, add_diff
from bnconform.cli.convert.command import add_convert
from bnconform.cli.deviations import add_deviations
from bnconform.cli.fingerprint import add_fingerprint
from bnconform.cli.guard import guarded
from bnconform.cli.history import add_history
from bnconform.cli.join import add_join
from bnconform.cli.listing import list_faults, list_implementations, list_specs
from bnconform.cli.matrix.bisect import add_bisect
from bnconform.cli.matrix.command import add_matrix
from bnconform.cli.new_adapter import add_new_adapter
from bnconform.cli.replay import replay
from bnconform.cli.report import add_report
from bnconform.cli.run import DEFAULT_OUT, add_choices, add_run
from bnconform.cli.selftest import Scope, selftest
from bnconform.cli.selftest_defects import Plantings, selftest_defects
from bnconform.contract.errors import CallError
from bnconform.engine.selection import Request
from bnconform.engine.tally import Effort


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the command line; returns the exit status."""
    arguments = sys.argv[1:] if arguments is None else list(arguments)

    def called() -> int:
        options = _parser().parse_args(arguments)
        options.explicit = _explicit(arguments)
        options.typed = shlex.join(["bnconform", *arguments])
        return int(options.run(options))

    return guarded(called)


def _explicit(arguments: Sequence[str]) -> argparse.Namespace:
    """Returns the options that were typed, without those that have a default."""
    parser = _parser()
    for action in parser._actions:  # the commands
        for command in getattr(action, "choices", None) or ():
            for option in action.choices[command]._actions:  # type: ignore[index]
                if option.option_strings:  # an argument that may be left out takes its default for a choice
                    option.default = argparse.SUPPRESS
    return parser.parse_args(arguments)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="bnconform", description=__doc__.partition("\n")[0] if __doc__ else None)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    add_run(commands)
    add_join(commands)
    test = commands.add_parser("selftest", help="show that planted faults are caught and correct variants are not")
    test.set_defaults(run=_selftest)
    test.add_argument("--fault", action="append", default=[], metavar="GLOB", help="faults of such a name")
    test.add_argument("--chapter", default="", metavar="NAME", help="by its specs alone; of use, sizes: its own faults")
    test.add_argument("--dtype", action="append", default=[], metavar="NAME", help="in this dtype")
    test.add_argument("--examples", type=int, metavar="N", help="examples per spec (100; 8 with --defects)")
    test.add_argument("--seed", type=int, default=Effort.seed, metavar="S", help="what all cases follow from (0)")
    test.add_argument("--values", type=float, default=1e6, metavar="V", help="compare so many correct values (1e6)")
    test.add_argument("-n", dest="workers", type=int, default=1, metavar="WORKERS", help="processes side by side")
    test.add_argument("--defects", action="store_true", help="plant faults, also in pairs, and infer their defects")
    test.add_argument("--sample", type=int, metavar="K", help="with --defects: so many of each kind, at random")
    test.add_argument("--record", action="store_true", help="keep the score for the reports of this version")
    add_fingerprint(commands)
    add_deviations(commands)
    add_compare(commands)
    add_diff(commands)
    add_history(commands)
    add_matrix(commands)
    add_bisect(commands)
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
    add_choices(again)
    return parser


def _list(options: argparse.Namespace) -> int:
    if options.what == "implementations":
        print("\n".join(list_implementations(options.results, options.links, options.adapter)))
    else:
        print("\n".join({"specs": list_specs, "faults": list_faults}[options.what]()))
    return 0


def _selftest(options: argparse.Namespace) -> int:
    examples = options.examples if options.examples is not None else 8 if options.defects else Effort.examples
    Request(dtypes=tuple(options.dtype), examples=examples).check()
    effort = Effort(examples=examples, seed=options.seed)
    if options.sample is not None and (options.sample < 1 or not options.defects):
        raise CallError(f"--sample {options.sample}: expected a number from 1 up, and --defects beside it")
    if options.workers < 1:
        raise CallError(f"-n {options.workers}: expected a number of processes from 1 up")
    if options.defects:
        wanted = Plantings(
            dtypes=tuple(options.dtype),
            faults=tuple(options.fault),
            effort=effort,
            sample=options.sample,
            workers=options.workers,
        )
        return selftest_defects(wanted)
    scope = Scope(
        dtypes=tuple(options.dtype),
        faults=tuple(options.fault),
        effort=effort,
        chapter=options.chapter,
        values=options.values,
        workers=options.workers,
        record=options.record,
    )
    return selftest(scope)


def _replay(options: argparse.Namespace) -> int:
    return replay(options.witness, tuple(options.implementation), options.adapter, script=options.script)


if __name__ == "__main__":  # as it once was: nothing done would read as all kept
    print("bnconform: expected python -m bnconform, got python -m bnconform.cli.main", file=sys.stderr)
    sys.exit(2)
