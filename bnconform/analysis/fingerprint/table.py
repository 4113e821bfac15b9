"""A fingerprint as a table: property, inferred value, declared value, and how sure the inference is.

Rules: one line per property that was asked about, undecided ones with their reason; a contradiction is marked with a
word; "how sure" gives the error in units of its bound, for the value and for the candidate that comes nearest.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from bnconform.analysis.fingerprint.bench import FEW, SEVERAL, shape_of
from bnconform.analysis.fingerprint.declared import Comparison
from bnconform.analysis.fingerprint.inferred import Inferred

MARKS = {"agrees": "✓", "contradicts": "✗ contradicts", "better": "✓ better than", "": " "}


def layout_words(rank: int, axis: int) -> str:
    """Returns in words which tensors were probed."""
    return f"channels on axis {axis} of {shape_of(FEW, rank, axis)} and {shape_of(SEVERAL, rank, axis)}"


def lines(comparisons: Sequence[Comparison]) -> list[str]:
    """Returns the lines of the table, under a line of headings."""
    rows = [("property", "inferred", "declared", "how sure"), *(_row(one) for one in comparisons if one.inferred.asked)]
    widths = [max(len(row[column]) for row in rows) for column in range(3)]
    return [
        "  ".join([*(cell.ljust(width) for cell, width in zip(row, widths, strict=False)), row[3]]).rstrip()
        for row in rows
    ]


def _row(one: Comparison) -> tuple[str, str, str, str]:
    inferred = one.inferred
    source = f"{one.field}={one.declared}" if one.field else one.declared
    declared = f"{MARKS[one.relation]} {source}" if source else ""
    return inferred.property, inferred.value or "undecided", declared, _sure(inferred)


def _sure(inferred: Inferred) -> str:
    """Returns the ratios that decided, and what was seen beside them."""
    words = []
    if inferred.value and not math.isnan(inferred.following_ratio):
        words.append(f"{inferred.ratio:.2g} of its bound, {inferred.following} {inferred.following_ratio:.3g}")
    elif inferred.value and inferred.ratio:
        words.append(f"{inferred.ratio:.2g} of its bound")
    return "; ".join([*words, *([inferred.detail] if inferred.detail else [])])
