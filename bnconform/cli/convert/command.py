"""The command `bnconform convert`: the settings to write in another implementation, with equalities and differences.

Rules: exit status 0 where everything is matched, 1 where something cannot be, 2 for a wrong call; hosts are asked for
descriptions, and nothing is run.
"""

from __future__ import annotations

import argparse
import json
import textwrap
from collections.abc import Sequence
from typing import Any

from bnconform.cli.convert.conversion import Conversion, convert
from bnconform.cli.convert.layer import Wish
from bnconform.cli.convert.matches import Match
from bnconform.contract.dtypes import DTYPES
from bnconform.contract.errors import CallError
from bnconform.contract.implementation import Described
from bnconform.engine.selection import Hosts, Request, fits, select

WIDTH = 100


def add_convert(commands: Any) -> None:
    """Adds the command to the parsers of the command line."""
    parser: argparse.ArgumentParser = commands.add_parser(
        "convert", help="say what to write in another implementation to get the same function, and what cannot be"
    )
    parser.set_defaults(run=_run)
    parser.add_argument("source", metavar="FROM", help="the implementation that the layer is of")
    parser.add_argument("target", metavar="TO", help="the implementation that it goes to")
    parser.add_argument("--eps", metavar="E", help="as it is written in FROM (its default)")
    parser.add_argument("--momentum", metavar="M", help="as it is written in FROM (its default)")
    parser.add_argument("--no-scale", action="store_true", help="without γ")
    parser.add_argument("--no-shift", action="store_true", help="without β")
    parser.add_argument("--no-state", action="store_true", help="without running statistics")
    parser.add_argument("--axis", type=int, metavar="A", help="of the channels (FROM's default)")
    parser.add_argument("--ndim", type=int, metavar="N", help="of the tensors, with that of the examples (4)")
    parser.add_argument("--dtype", default=Wish.dtype, choices=DTYPES, help=f"of the data ({Wish.dtype})")
    parser.add_argument("--adapter", action="append", default=[], metavar="ADAPTER", help="an adapter of yours")
    parser.add_argument("--json", action="store_true", help="for machines")


def _run(options: argparse.Namespace) -> int:
    source, target = described(options.source, options.target, tuple(options.adapter))
    wish = Wish(
        eps=options.eps,
        momentum=options.momentum,
        scale=not options.no_scale,
        shift=not options.no_shift,
        state=not options.no_state,
        axis=options.axis,
        ndim=options.ndim,
        dtype=options.dtype,
    )
    conversion = convert(source, target, wish)
    print(json.dumps(conversion.to_json(), ensure_ascii=False) if options.json else "\n".join(lines(conversion)))
    return 0 if conversion.complete else 1


def described(source: str, target: str, adapters: Sequence[str] = ()) -> tuple[Described, Described]:
    """Returns the descriptions of the two implementations; raises CallError for a name that fits none or several."""
    hosts = Hosts(request=Request(adapters=tuple(adapters), implementations=(source, target)))
    try:
        selection = select(hosts.request, hosts)
    finally:
        hosts.close()
    there = [one for offer in selection.offers for one in offer.implementations]
    return _one(source, there), _one(target, there)


def _one(glob: str, there: Sequence[Described]) -> Described:
    found = [one for one in there if one.name == glob] or [one for one in there if fits(one.name, (glob,))]
    if len(found) != 1:
        raise CallError(f"{glob!r} fits {', '.join(one.name for one in found)}; expected the name of one")
    return found[0]


def lines(conversion: Conversion) -> list[str]:
    """Returns the conversion as it is printed."""
    told = [conversion.before.text, f"  → {conversion.after.text}", ""]
    for what in conversion.after.by_hand:
        told += _wrapped("by hand: ", what)
    same = [one.function for one in conversion.matches if one.verdict == "same"]
    if same:
        told += _wrapped("the same: ", ", ".join(map(_named, same)))
    for one in conversion.matches:
        if one.verdict != "same":
            told += _differs(one)
    for note in conversion.notes:
        told += _wrapped("rounds otherwise: ", note)
    return [*told, *(f"see {link}" for link in conversion.links)]


def _named(function: str) -> str:
    return f"{function} (by the same stored statistics)" if function == "inference output" else function


def _differs(one: Match) -> list[str]:
    told = []
    for obstacle in one.obstacles:
        told += _wrapped(f"{one.verdict}: ", f"{one.function}. {obstacle.why}")
        told += _wrapped("    what can be done: ", obstacle.remedy) if obstacle.remedy else []
        told += [f"    {link}" for link in obstacle.links]
    return told


def _wrapped(start: str, text: str) -> list[str]:
    return textwrap.wrap(text, WIDTH, initial_indent=start, subsequent_indent="    ", break_long_words=False)
