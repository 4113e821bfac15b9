"""The cells of a matrix among the runs of a report: which were judged, which not to their end, and which not at all.

Rule: a cell that could not be judged stands beside the others with its reason, and counts for nothing.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from bnconform.results.file import Results


@dataclass(frozen=True, kw_only=True)
class MatrixCell:
    """A cell as a report tells it. words: what its environment holds; reason: why it is not judged."""

    name: str
    words: str
    state: Literal["judged", "not finished", "MISSING"]
    reason: str = ""


def cells_of(runs: Iterable[Results]) -> tuple[MatrixCell, ...]:
    """Returns the cells that runs are of, by name."""
    found = [_cell(one) for one in runs if "cell" in one.run]
    return tuple(sorted(found, key=lambda one: one.name))


def _cell(results: Results) -> MatrixCell:
    stated = results.run["cell"]
    pins = stated.get("pins")
    beside = f", {', '.join(map(str, pins))}" if isinstance(pins, list) and pins else ""
    words = f"{stated.get('framework', '')} {stated.get('version', '')} on Python {stated.get('python', '')}{beside}"
    name = str(stated.get("name", ""))
    if results.missing:
        return MatrixCell(name=name, words=words, state="MISSING", reason=results.missing)
    if results.interrupted:
        of = "" if results.planned is None else f" of {results.planned}"
        reason = f"{len(results.findings)}{of} findings were made"
        return MatrixCell(name=name, words=words, state="not finished", reason=reason)
    return MatrixCell(name=name, words=words, state="judged")
