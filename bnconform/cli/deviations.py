"""The command `bnconform deviations`: lists known deviations, and proposes entries from the results of a run.

Rules: a list is of causes, each with all that it breaks; an update writes findings, never their reasons.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Iterable
from itertools import groupby
from pathlib import Path
from typing import Any

from bnconform.contract.errors import CallError
from bnconform.contract.text import visible
from bnconform.results.deviations.deviation import Deviation
from bnconform.results.deviations.proposal import proposals, stale, unfit, unknown, write
from bnconform.results.deviations.registry import FOLDER, Registry, load_registry
from bnconform.results.file import read_results


def add_deviations(commands: Any) -> None:
    """Adds the command to the subparsers."""
    words = "list the failures that are known, or propose entries for those of a run that are not"
    parser = commands.add_parser("deviations", help=words)
    parser.set_defaults(run=_deviations)
    parser.add_argument("--deviations", type=Path, metavar="FOLDER", help="(bnconform's own)")
    parser.add_argument(
        "--update", type=Path, metavar="RESULTS", help="propose entries from results.jsonl, or its folder"
    )


def _deviations(options: argparse.Namespace) -> int:
    if options.update:
        lines = _updated(options.update, options.deviations or _own())
    else:
        lines = _listed(options.deviations or FOLDER)
    print("\n".join(map(visible, lines)))
    return 0


def _own() -> Path:
    """Returns the folder of bnconform's own registry in a clone; raises CallError where it is installed."""
    if not (FOLDER.parents[2] / "pyproject.toml").is_file() or not os.access(FOLDER, os.W_OK):
        raise CallError(
            "--update: bnconform's own registry is part of its installation, and a draft in it would end every run; "
            "name a folder of yours, `--deviations FOLDER`, and give it to `bnconform run` as well"
        )
    return FOLDER


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
    results = read_results(place)
    known = load_registry(folder, drafts=True) if folder.exists() else Registry()
    found = unknown(results, known)
    proposed = proposals([one for one in found if not unfit(one)], results.path.parent)
    folder.mkdir(parents=True, exist_ok=True)
    written = list(write(proposed, folder))
    lines = [f"to be removed: {words}" for words in stale(results)]
    lines += _distinct(f"left out: {one['implementation']}: {why}" for one in found if (why := unfit(one)))
    lines += [f"{path}: proposals at its end; write reason and link, or remove them" for path in written]
    return [*lines, f"{len(found)} failures were not known yet"]
