"""`bnconform matrix`: judges the cells of a matrix, each in an environment of its own, and merges what they gave.

Rules: a cell that could not be judged is told with its reason, in its results and in the report, and never by silence;
a cell whose results are there, of the same sources, pins and options, is not judged again; one that was interrupted is
gone on with. The exit status is 2 where a cell is missing or was not finished, else the worst of the cells' own.
"""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Sequence
from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait
from pathlib import Path
from typing import Any

from bnconform.cli.matrix.judging import Judging, Outcome
from bnconform.contract.errors import CallError
from bnconform.matrix.cells import LABELS, Cell, MatrixError, chosen, read_cells
from bnconform.matrix.environments import GIB, Environments
from bnconform.report import write_report
from bnconform.results.file import Results, read_results

MATRIX = Path("matrix.toml")
OUT = Path("reports") / "cells"
MOST = 20.0
"""GiB of environments that are kept."""


def add_matrix(commands: Any) -> None:
    """Adds the command to the subparsers."""
    parser = commands.add_parser("matrix", help="judge versions of frameworks, each in an environment of its own")
    parser.set_defaults(run=_matrix)
    parser.add_argument("what", choices=("run", "list"), help="judge the cells, or list them")
    parser.add_argument("--matrix", type=Path, default=MATRIX, metavar="FILE", help=f"({MATRIX})")
    words = "cells of this label (default, unless --only names cells)"
    parser.add_argument("--label", choices=LABELS, help=words)
    parser.add_argument("--only", action="append", default=[], metavar="GLOB", help="cells of such a name")
    parser.add_argument("-n", dest="side_by_side", type=int, default=1, metavar="CELLS", help="judged side by side (1)")
    parser.add_argument("--out", type=Path, default=OUT, metavar="DIR", help=f"a folder for each cell ({OUT})")
    add_environments(parser)
    parser.add_argument("--spec", action="append", default=[], metavar="GLOB", help="judge by specs of such a name")
    parser.add_argument("--dtype", action="append", default=[], metavar="NAME", help="judge in this dtype")
    parser.add_argument("--examples", type=int, metavar="N", help="examples per spec")
    parser.add_argument("--seed", type=int, metavar="S", help="what all cases follow from")
    parser.add_argument("--budget", metavar="TIME", help="time for each cell, such as 10m")


def add_environments(parser: argparse.ArgumentParser) -> None:
    """Adds the options that say where environments are kept."""
    words = "where environments are kept (bnconform/environments in the user's cache)"
    parser.add_argument("--environments", type=Path, metavar="DIR", help=words)
    words = f"of all environments; those used least recently are removed ({MOST:g})"
    parser.add_argument("--most", type=float, default=MOST, metavar="GIB", help=words)


def environments_of(options: argparse.Namespace) -> Environments:
    """Returns the environments that the options name."""
    if not 0 < options.most < 1e6:
        raise CallError(f"--most {options.most:g}: expected a number of GiB above 0")
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return Environments(options.environments or cache / "bnconform" / "environments", int(options.most * GIB))


def _matrix(options: argparse.Namespace) -> int:
    label = options.label or (None if options.only else "default")
    try:
        cells = chosen(read_cells(options.matrix), label, options.only)
    except MatrixError as error:
        raise CallError(str(error)) from None
    if options.what == "list":
        for cell in cells:
            print(f"{cell.name}: {cell.words}; {', '.join(cell.labels)}")
        return 0
    if options.side_by_side < 1:
        raise CallError(f"-n {options.side_by_side}: expected a number of cells from 1 up")
    judging = Judging(options.out, environments_of(options), _words(options))
    outcomes = _judged(judging, cells, options.side_by_side)
    return _merged(options.out, judging, outcomes)


def _words(options: argparse.Namespace) -> list[str]:
    """Returns the options of each run, as they are typed."""
    words = [f"--{name}={value}" for name in ("spec", "dtype") for value in getattr(options, name)]
    single = [(name, getattr(options, name)) for name in ("examples", "seed", "budget")]
    return words + [f"--{name}={value}" for name, value in single if value is not None]


def _judged(judging: Judging, cells: Sequence[Cell], side_by_side: int) -> list[Outcome]:
    """Judges the cells, so many side by side, and tells how far it is; an interrupt lets each keep what it has."""
    begun, outcomes = time.monotonic(), []
    pool = ThreadPoolExecutor(side_by_side)
    pending = {pool.submit(judging.judge, cell) for cell in cells}
    try:
        while pending:
            done, pending = wait(pending, timeout=1.0, return_when=FIRST_COMPLETED)
            for future in done:
                outcome = future.result()
                outcomes.append(outcome)
                left = _left(outcomes, len(pending), time.monotonic() - begun)
                print(f"[{len(outcomes)} of {len(cells)}] {outcome.cell.name}: {outcome.words}{left}", flush=True)
    except BaseException:
        for future in pending:
            future.cancel()
        judging.stop()
        print("interrupted: the same call goes on where it stopped", flush=True)
        raise
    finally:
        pool.shutdown(wait=True, cancel_futures=True)
    return outcomes


def _left(outcomes: Sequence[Outcome], pending: int, elapsed: float) -> str:
    """Returns in words how long the rest will take, by what those took that were judged just now."""
    worked = [one for one in outcomes if not one.kept]
    if not pending or not worked:
        return ""
    return f"; {_time(elapsed)} so far, about {_time(elapsed / len(worked) * pending)} remain"


def _time(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 120 else f"{seconds / 60:.0f} min"


def _merged(out: Path, judging: Judging, outcomes: Sequence[Outcome]) -> int:
    """Writes one report of all cells in the folder that today's sources judged; returns the exit status."""
    found, stale = _fresh(out, judging)
    for name in stale:
        print(f"{name}: left out of the report, since other sources or options judged it; judge it again")
    missing = [one.cell.name for one in outcomes if not one.ended]
    if found:
        print(f"{sum(len(one.findings) for one in found)} findings of {len(found)} cells: {write_report(found, out)}")
    if missing:
        print(f"missing, or not finished: {', '.join(sorted(missing))}")
    return max((one.status for one in outcomes), default=2)


def _fresh(out: Path, judging: Judging) -> tuple[list[Results], list[str]]:
    """Returns the results of cells that are as this call would make them, and the names of those that are not."""
    found, stale = [], []
    for path in sorted(out.glob("*/results.jsonl")):
        results = read_results(path)
        fitting = results.run.get("cell", {}).get("made_by") == judging.made_by
        (found.append(results) if fitting else stale.append(path.parent.name))
    return found, stale
