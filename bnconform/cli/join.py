"""`bnconform join`: makes one run of the parts that `bnconform run --shard K/N` judged, here or on other machines.

Rules: what no part has is judged now, so that the result is that of an undivided run; nothing that is there already is
judged again, and no script of a part runs unless the user says that the parts are their own.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from bnconform.cli.report import results_in
from bnconform.cli.run import DEFAULT_OUT, go_on
from bnconform.results.file import read_results
from bnconform.results.joining import join


def add_join(commands: Any) -> None:
    """Adds the command to the subparsers."""
    parser = commands.add_parser("join", help="make one run of the parts that `run --shard` judged")
    parser.set_defaults(run=_join)
    parser.add_argument("parts", nargs="+", type=Path, metavar="RESULTS", help="results.jsonl, its folder, or folders")
    parser.add_argument("--out", type=Path, default=DEFAULT_OUT, metavar="DIR", help=f"({DEFAULT_OUT})")
    words = "an adapter of the parts that is not installed, to be typed again"
    parser.add_argument("--adapter", action="append", default=[], metavar="ADAPTER", help=words)
    words_of_scripts = "take the scripts of the parts over and run them: for parts that you judged yourself"
    parser.add_argument("--scripts", action="store_true", help=words_of_scripts)
    parser.add_argument("-n", dest="workers", default="0", metavar="WORKERS", help="processes for what is missing")


def _join(options: argparse.Namespace) -> int:
    parts = [read_results(path) for place in options.parts for path in results_in(place, but=options.out)]
    count, absent = join(parts, options.out, scripts=options.scripts)
    of = f"; not there: part {', '.join(absent)}, which is judged now" if absent else ""
    print(f"{count} findings of {len(parts)} parts{of}", flush=True)
    return go_on(options.out, options.adapter, options.workers)
