"""The command `bnconform fingerprint`: inferred beside declared properties, a table per implementation and dtype.

Rules: implementations run in their hosts, as in a run; a contradiction is exit status 1; a table is printed when it is
made.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import Any

from bnconform.analysis.fingerprint.declared import Comparison, compared, contradicting
from bnconform.analysis.fingerprint.fingerprinting import fingerprint, rank_of
from bnconform.analysis.fingerprint.table import layout_words, lines
from bnconform.contract.address import Address
from bnconform.contract.errors import CallError
from bnconform.engine.runner import Runner
from bnconform.engine.selection import Hosts, Request, select, targets
from bnconform.engine.spec import Subject
from bnconform.engine.target import Target


def add_fingerprint(commands: Any) -> None:
    """Adds the command to the parsers of the command line."""
    parser: argparse.ArgumentParser = commands.add_parser(
        "fingerprint", help="infer from outputs how implementations compute, and compare with what they declare"
    )
    parser.set_defaults(run=_run)
    parser.add_argument("implementation", nargs="*", metavar="IMPLEMENTATION_GLOB", help="those of such a name (all)")
    parser.add_argument("--adapter", action="append", default=[], metavar="ADAPTER", help="an adapter of yours")
    parser.add_argument("--dtype", action="append", default=[], metavar="NAME", help="in this dtype (all)")
    parser.add_argument("--device", default=Request.device, metavar="cpu|cuda", help="where implementations compute")
    parser.add_argument("--rank", type=int, metavar="N", help="of the tensors (4, or the smallest)")
    parser.add_argument("--axis", type=int, choices=(1, -1), default=1, help="of their channels (1)")
    parser.add_argument("--timeout", type=float, default=Request.timeout, metavar="SECONDS", help="for one call (60)")


def _run(options: argparse.Namespace) -> int:
    request = Request(
        adapters=tuple(options.adapter),
        implementations=tuple(options.implementation),
        dtypes=tuple(options.dtype),
        device=options.device,
        timeout=options.timeout,
    )
    return print_fingerprints(request, options.rank, options.axis)


def print_fingerprints(request: Request, rank: int | None = None, axis: int = 1) -> int:
    """Prints the fingerprint of each implementation × dtype that was asked for; returns 1 where one contradicts its
    Dialect, otherwise 0. rank, axis: of the tensors and their channels; None: the rank of images, or the smallest.
    """
    hosts, contradictions = Hosts(request=request), []
    try:
        for address, target in targets(select(request, hosts), request):
            if target.implementation.only:
                print(
                    f"{_name(target)}: it takes cases of its features alone ({', '.join(target.implementation.only)})\n"
                )
                continue
            shape = _rank(target, rank)
            found = compare(hosts, address, target, shape, axis)
            heading = f"{_name(target)}: {layout_words(shape, axis)}"
            print(heading, *(f"  {line}" for line in lines(found)), "", sep="\n", flush=True)
            contradictions += _words(target, found)
    finally:
        hosts.close()
    print("\n".join(contradictions) or "nothing contradicts what is declared")
    return 1 if contradictions else 0


def compare(hosts: Hosts, address: Address, target: Target, rank: int, axis: int) -> list[Comparison]:
    """Returns the fingerprint of a target beside its Dialect."""
    ask = Runner.of(target, lambda: hosts.of(address))
    found = fingerprint(Subject(ask, target.dialect), target.dtype, rank, axis)
    return compared(found, target.dialect, target.dtype)


def _rank(target: Target, asked: int | None) -> int:
    ranks = target.implementation.ranks
    if asked is not None and asked not in ranks:
        raise CallError(f"--rank {asked}: {target.implementation.name} takes {', '.join(map(str, ranks))}")
    return asked or rank_of(ranks)


def _name(target: Target) -> str:
    one = target.implementation
    return " ".join(filter(None, (one.name, one.version, target.dtype, target.device)))


def _words(target: Target, found: Sequence[Comparison]) -> list[str]:
    wrong = [f"{one.inferred.property}: {one.inferred.value}, not {one.declared}" for one in contradicting(found)]
    return [f"{_name(target)} contradicts what it declares: {'; '.join(wrong)}"] if wrong else []
