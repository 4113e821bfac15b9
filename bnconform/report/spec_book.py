"""The spec book: the statement of every spec of the runs, by chapter, and its verdicts.

Rules: a pure function of the merged runs; every spec appears, one without findings too; chapters stand in the order of
the runs.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

import bnconform.report.columns as who
from bnconform.results.file import Merged
from bnconform.results.records import WORST_FIRST, SpecRecord


@dataclass(frozen=True, kw_only=True)
class Entry:
    """A spec, its anchor, the cases that it is tried on, and how many findings have which verdict."""

    spec: SpecRecord
    anchor: str
    given: str
    formula: str
    prudent: bool
    counts: dict[str, int]


@dataclass(frozen=True, kw_only=True)
class Book:
    """The entries of each chapter."""

    merged: Merged
    chapters: dict[str, list[Entry]]

    @property
    def size(self) -> int:
        """The number of specs."""
        return sum(map(len, self.chapters.values()))


def book(merged: Merged) -> Book:
    """Returns the spec book of `merged`."""
    found: dict[str, Counter[str]] = {}
    for _, finding in merged.findings:
        found.setdefault(finding["spec"], Counter())[finding["verdict"]] += 1
    chapters: dict[str, list[Entry]] = {}
    for spec in who.specs(merged):
        counts = found.get(spec["id"], Counter())
        entry = Entry(
            spec=spec,
            anchor=who.slug(["spec", spec["id"]]),
            given=spec.get("given", ""),
            formula=spec.get("formula", ""),
            prudent=spec.get("basis") == "prudence",
            counts={verdict: counts[verdict] for verdict in WORST_FIRST if counts[verdict]},
        )
        chapters.setdefault(spec["chapter"], []).append(entry)
    return Book(merged=merged, chapters=chapters)
