"""The commands `bnconform compare` and `bnconform diff`: in which findings, and in which defects, two runs differ.

Rules: `compare` ends with 0 where no figure differs to the last digit, else with 1; `diff` ends with 1 where a defect
is new.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from bnconform.results.changes import changes
from bnconform.results.comparison import MEASURED, SAID, differences
from bnconform.results.file import merge, read_results
from bnconform.results.text import visible


def add_compare(commands: Any) -> None:
    """Adds the command to the subparsers."""
    parser = commands.add_parser("compare", help="print the findings in which two runs differ; status 1 if any does")
    parser.set_defaults(run=_compare)
    parser.add_argument("before", type=Path, metavar="RESULTS", help="results.jsonl, or its folder")
    parser.add_argument("after", type=Path, metavar="RESULTS", help="the same of another run")
    parser.add_argument("--words", action="store_true", help="compare reasons, diagnoses and known causes as well")


def add_diff(commands: Any) -> None:
    """Adds the command to the subparsers."""
    parser = commands.add_parser(
        "diff", help="print the defects that are new, fixed or changed; status 1 if one is new"
    )
    parser.set_defaults(run=_diff)
    parser.add_argument("before", type=Path, metavar="OLD", help="results.jsonl, or its folder")
    parser.add_argument("after", type=Path, metavar="NEW", help="the same of a later run")


def _diff(options: argparse.Namespace) -> int:
    found = changes(merge([read_results(options.before)]), merge([read_results(options.after)]))
    for one in found.changes:
        moved = " to ".join(dict.fromkeys(one.versions))
        where = f"{', '.join(one.defect.implementations)} {moved}, {', '.join(one.defect.dtypes)}"
        print(visible(f"{one.kind:8} {one.defect.title} ({where}): {one.before} findings then, {one.after} now"))
    print(
        f"{found.same} verdicts are the same, {found.different} differ; {found.only_before} findings stand in the "
        f"first run alone, {found.only_after} in the second"
    )
    return 1 if found.new else 0


def _compare(options: argparse.Namespace) -> int:
    before, after = read_results(options.before), read_results(options.after)
    fields = (*MEASURED, *SAID) if options.words else MEASURED
    lines = [visible(one).replace("\n", " ") for one in differences(before, after, fields)]
    counts = f"{len(before.findings)} findings beside {len(after.findings)}"
    print("\n".join([*lines, f"{counts}: {len(lines) or 'no'} difference{'s' * (len(lines) != 1)}"]))
    return 1 if lines else 0
