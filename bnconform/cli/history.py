"""`bnconform history`: keeps the results of all runs in one file, and says since which version something is as it is.

Rules: results are added by name, never on the quiet; of an implementation only what changed is told, unless a statement
or a defect is named.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from bnconform.cli.report import results_in
from bnconform.contract.errors import CallError
from bnconform.history.row import Key
from bnconform.history.store import add, read, write_parquet
from bnconform.history.timeline import Change, History, Timeline
from bnconform.results.file import read_results
from bnconform.results.text import on_one_line

FILE = Path("reports") / "history.sqlite"
MARKS = {"conforms": "✓", "deviates": "≈", "fails": "✗", "crashes": "✗", "hangs": "✗", "flaky": "✗", "not run": "○",
         "broken": "✗", "kept": "✓", "not judged": "?", "no claim": "?", "no answer": "?"}  # fmt: skip
"""What stands for a verdict or a state in a strip; another one is something that was not offered, taken or answered."""
NOT_OFFERED = "–"
LEGEND = "✓ kept   ≈ departs as documented   ✗ broken   – not offered or refused   ? not judged   ○ not run"


def add_history(commands: Any) -> None:
    """Adds the command to the subparsers."""
    parser = commands.add_parser("history", help="in which versions a statement or a defect was broken, over all runs")
    parser.set_defaults(run=_history)
    parser.add_argument("implementation", nargs="?", metavar="IMPLEMENTATION", help="one of such a name, a glob")
    words = "a statement or a defect of such a name; without it, all that changed from version to version"
    parser.add_argument("what", nargs="?", metavar="SPEC|DEFECT", help=words)
    parser.add_argument("--file", type=Path, default=FILE, metavar="FILE", help=f"where it is kept ({FILE})")
    words = "add these: results.jsonl, its folder, or one of folders"
    parser.add_argument("--add", nargs="+", type=Path, default=[], metavar="RESULTS", help=words)
    parser.add_argument("--parquet", type=Path, metavar="OUT", help="write all findings to this file as well")


def _history(options: argparse.Namespace) -> int:
    if options.add:
        found = [read_results(path) for place in options.add for path in results_in(place)]
        new, again = add(options.file, found)
        print(f"{new} runs added to {options.file}, {again} brought up to date")
    if options.parquet:
        print(f"{write_parquet(options.file, options.parquet)} findings written to {options.parquet}")
    if options.implementation or not (options.add or options.parquet):
        for line in _told(options):
            print(line)
    return 0


def _told(options: argparse.Namespace) -> Iterator[str]:
    history = History(read(options.file, options.implementation or "*"))
    if not history.implementations:
        raise CallError(f"{options.implementation}: no such implementation in {options.file}; see: bnconform history")
    if not options.implementation:
        for name in sorted(history.implementations):
            yield on_one_line(f"{name}: {', '.join(map(str, history.releases(name)))}")
        return
    yield LEGEND
    named = False
    for name in sorted(history.implementations):
        lines = list(_of(history, name, options.what))
        named = named or bool(lines)
        if lines or options.what is None:
            yield on_one_line(f"{name}: {', '.join(_release(one) for one in history.releases(name))}")
            yield from lines or ["  nothing changed between them"]
    if options.what and not named:
        raise CallError(f"{options.what}: no such statement or defect of these implementations in {options.file}")


def _of(history: History, name: str, what: str | None) -> Iterator[str]:
    """Yields the lines of an implementation: what changed, or what is of such a name."""
    if what is None:
        yield from (_changed(one) for one in history.changes(name))
        return
    rows = list(history.rows(name))
    defects = {row.defect: row.title for row in rows if row.defect and fnmatchcase(row.defect, what)}
    for defect, title in defects.items():
        yield _line(history.timeline(name, history.keys_of(name, defect)), title)
    keys = dict.fromkeys(row.key for row in rows if fnmatchcase(row.spec, what))
    for key in sorted(keys):
        yield _line(history.timeline(name, (key,)), _words(key))


def _release(release: Any) -> str:
    return f"{release} ({release.beside})" if release.beside else str(release)


def _changed(change: Change) -> str:
    strip = "".join(MARKS.get(mark, NOT_OFFERED) for mark in change.marks)
    count = len(change.keys)
    specs = ", ".join(change.specs[:3]) + (f" and {len(change.specs) - 3} more" if len(change.specs) > 3 else "")
    title = change.title or "other verdicts"
    since = f": {change.timeline.words}" if change.timeline.words else ""
    return f"  |{strip}|  {on_one_line(title)}{since} ({count} finding{'s' * (count != 1)}: {on_one_line(specs)})"


def _line(timeline: Timeline, title: str) -> str:
    strip = "".join(MARKS[step.state] for step in timeline.steps)
    return f"  |{strip}|  {on_one_line(title)}: {timeline.words or 'never broken where it was judged'}"


def _words(key: Key) -> str:
    spec, dtype, device = key
    return f"{spec} in {dtype} on {device}"
