"""`bnconform report`: the report of one or more runs, or one of its other forms: summary, SARIF, badge.

Rules: it reads results and runs nothing; a form that is named is written in place of the pages; the last line says what
was written.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from bnconform.contract.errors import ContractError
from bnconform.history.store import read
from bnconform.report import write_report
from bnconform.report.badge import write_badge
from bnconform.report.sarif import write_sarif
from bnconform.report.summary import render_summary, write_summary
from bnconform.results.file import merge, read_results

SCREEN = Path("-")
"""The file of a summary that is printed, to be appended to another by a shell."""


def add_report(commands: Any, out: Path) -> None:
    """Adds the command to those of the command line. out: where pages are written by default."""
    report = commands.add_parser("report", help="write one report of the results of several runs")
    report.set_defaults(run=_report)
    report.add_argument(
        "results", nargs="+", type=Path, metavar="RESULTS", help="results.jsonl, its folder, or one of folders"
    )
    report.add_argument("--out", type=Path, default=out, metavar="DIR", help=f"({out})")
    words = "an earlier run: what is new, fixed or changed since then"
    report.add_argument("--against", type=Path, metavar="OLD", help=words)
    words = "pages that will be read without the run's other files: none leads to a witness or a script"
    words = "a file of `bnconform history`: findings of other versions, for the page of what changed between these"
    report.add_argument("--history", type=Path, metavar="FILE", help=words)
    words_if = "places without results are told and passed over; where there are none at all, nothing is written"
    report.add_argument("--if-any", action="store_true", help=words_if)
    report.add_argument("--alone", action="store_true", help=words)
    words = "write only the summary, in Markdown, to this file; - prints it"
    report.add_argument("--summary", type=Path, metavar="FILE", help=words)
    words = "write only the defects, as SARIF 2.1.0, to this file"
    report.add_argument("--sarif", type=Path, metavar="FILE", help=words)
    words = "write only a badge to this file: .svg, or .json for an endpoint of shields.io"
    report.add_argument("--badge", type=Path, metavar="FILE", help=words)


def _report(options: argparse.Namespace) -> int:
    if options.badge is not None and options.badge.suffix not in (".svg", ".json"):
        raise ContractError(
            f"--badge {options.badge}: expected a file that ends with .svg, or with .json for shields.io"
        )
    places = _with_results(options.results, options.out) if options.if_any else options.results
    results = [read_results(path) for place in places for path in results_in(place, but=options.out)]
    if not results:
        print("there are no results yet, so there is nothing to report: make some with `bnconform run`")
        return 0
    merged = merge(results)
    forms = ((options.summary, write_summary), (options.sarif, write_sarif), (options.badge, write_badge))
    if options.summary == SCREEN:
        print(render_summary(merged), end="")
    written = [write(results, path) for path, write in forms if path is not None and path != SCREEN]
    if not written and options.summary is None:
        before = None if options.against is None else read_results(options.against)
        past = () if options.history is None else read(options.history)
        written = [write_report(results, options.out, against=before, alone=options.alone, past=past)]
    lines = [f"{len(merged.findings)} findings{' (of an interrupted run)' if merged.interrupted else ''}: {page}"
             for page in written]  # fmt: skip
    if merged.replaced:
        lines[:0] = [f"{merged.replaced} findings stand in several of these runs: those of the latest are shown"]
    for line in lines:
        print(line, file=sys.stderr if options.summary == SCREEN else sys.stdout)
    return 0


def _with_results(places: Sequence[Path], but: Path) -> list[Path]:
    """Returns those of the places that hold results; tells of the others."""
    found = []
    for place in places:
        try:
            results_in(place, but=but)
        except ContractError as error:
            print(f"passed over: {error}")
        else:
            found.append(place)
    return found


def results_in(place: Path, but: Path | None = None) -> list[Path]:
    """Returns the results that `place` stands for: a file, the folder of one, or all runs in the folders below it,
    those below `but` left out."""
    if place.is_file() or (place / "results.jsonl").exists():
        return [place]
    left_out = () if but is None else (but.resolve(),)
    found = sorted(path for path in place.glob("**/results.jsonl") if not set(left_out) & set(path.resolve().parents))
    if not found:
        raise ContractError(f"{place} holds no results.jsonl; expected the results of a bnconform run")
    return found
