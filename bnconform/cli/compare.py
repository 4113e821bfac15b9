"""The command `bnconform compare`: the findings in which two runs differ.

Rules: exit status 0 where there is none, 1 where there is one; figures are compared to the last digit.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from bnconform.results.comparison import MEASURED, SAID, differences
from bnconform.results.file import read_results
from bnconform.results.text import visible


def add_compare(commands: Any) -> None:
    """Adds the command to the subparsers."""
    parser = commands.add_parser("compare", help="print the findings in which two runs differ; status 1 if any does")
    parser.set_defaults(run=_compare)
    parser.add_argument("before", type=Path, metavar="RESULTS", help="results.jsonl, or its folder")
    parser.add_argument("after", type=Path, metavar="RESULTS", help="the same of another run")
    parser.add_argument("--words", action="store_true", help="compare reasons, diagnoses and known causes as well")


def _compare(options: argparse.Namespace) -> int:
    before, after = read_results(options.before), read_results(options.after)
    fields = (*MEASURED, *SAID) if options.words else MEASURED
    lines = [visible(one).replace("\n", " ") for one in differences(before, after, fields)]
    counts = f"{len(before.findings)} findings beside {len(after.findings)}"
    print("\n".join([*lines, f"{counts}: {len(lines) or 'no'} difference{'s' * (len(lines) != 1)}"]))
    return 1 if lines else 0
