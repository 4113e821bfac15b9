"""The command `bnconform deviations`: lists known deviations, and proposes entries from the results of a run.

Rules: a list is of causes, each with all that it breaks; an update writes findings, never their reasons.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterable
from itertools import groupby
from pathlib import Path
from typing import Any

from bnconform.results.deviations.deviation import Deviation
from bnconform.results.deviations.proposal import proposals, stale, unknown, write
from bnconform.results.deviations.registry import FOLDER, load_registry
from bnconform.results.file import read_results


def add_deviations(commands: Any) -> None:
    """Adds the command to the subparsers."""
    words = "list the failures that are known, or propose entries for those of a run that are not"
    parser = commands.add_parser("deviations", help=words)
    parser.set_defaults(run=_deviations)
    parser.add_argument("--deviations", type=Path, default=FOLDER, metavar="FOLDER", help="(bnconform's own)")
    parser.add_argument(
        "--update", type=Path, metavar="RESULTS", help="propose entries from results.jsonl, or its folder"
    )


def _deviations(options: argparse.Namespace) -> int:
    lines = _updated(options.update, options.deviations) if options.update else _listed(options.deviations)
    print("\n".join(lines))
    return 0


def _listed(folder: Path) -> list[str]:
    """Returns a paragraph for each cause."""
    known = load_registry(folder).deviations
    lines = [line for _, of_one in groupby(known, lambda one: one.cause) for line in (*_paragraph(list(of_one)), "")]
    return [*lines, f"{len(known)} known deviations of {len({one.cause.place for one in known})} causes"]


def _paragraph(known: list[Deviation]) -> list[str]:
    cause = known[0].cause
    implementations = _distinct(one.implementation for one in known)
    specs = {
        spec: ", ".join(_distinct(one.dtype for one in known if one.spec == spec))
        for spec in _distinct(one.spec for one in known)
    }
    return [
        f"{', '.join(implementations)} {cause.versions} ({cause.place})",
        f"  fault   {cause.fault}",
        f"  reason  {cause.reason}",
        f"  link    {cause.link}",
        *([f"  script  {cause.script}"] if cause.script not in ("", cause.link) else []),
        *(f"  spec    {spec} ({dtypes})" for spec, dtypes in specs.items()),
    ]


def _distinct(values: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(values))


def _updated(place: Path, folder: Path) -> list[str]:
    """Writes proposals for unknown failures in the results; returns lines on the entries written and those to
    remove."""
    folder.mkdir(parents=True, exist_ok=True)
    results = read_results(place)
    found = unknown(results, load_registry(folder, drafts=True))
    written = list(write(proposals(found, results.path.parent), folder))
    lines = [f"to be removed: {words}" for words in stale(results)]
    lines += [f"{path}: proposals at its end; write reason and link, or remove them" for path in written]
    return [*lines, f"{len(found)} failures were not known yet"]
