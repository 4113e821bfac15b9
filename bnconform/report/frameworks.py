"""The page of one framework, to be sent to its maintainers: its defects, every finding that is wrong, all statements.

Rules: a pure function of the merged runs; every finding of the framework stands on the page, in its table if nowhere
else; a finding that does not conform has an anchor of its own.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import bnconform.report.columns as who
from bnconform.report.cards import Card, cards
from bnconform.report.columns import Column
from bnconform.report.gathered import NAMES, Gathered, framework, framework_page
from bnconform.report.pictures import short
from bnconform.report.tables import Table, comparison
from bnconform.report.wording import SIGNS, ratio_text
from bnconform.results.defects import Defect
from bnconform.results.proving import shown_best
from bnconform.results.records import Detail, Finding, is_known

Mark = tuple[str, str, str]
"""A verdict, its sign, and both in words with the dtype."""
Statement = tuple[str, tuple[tuple[Mark, ...], ...]]
"""The id of a spec, and for each column a mark by dtype."""


@dataclass(frozen=True, kw_only=True)
class Line:
    """A finding that does not conform. ratio: empty where it raised; witness, script: addresses of its files."""

    anchor: str
    finding: Finding
    dtype: str
    ratio: str
    witness: str | None
    script: str | None
    known: bool


@dataclass(frozen=True, kw_only=True)
class Part:
    """A defect with its findings of this framework, and the comparison of the one that shows it best."""

    card: Card
    lines: tuple[Line, ...]
    comparison: Table | None
    detail: Detail


@dataclass(frozen=True, kw_only=True)
class FrameworkPage:
    """The page of a framework. statements: of each chapter a row for each spec, with a cell for each column: a verdict
    by dtype. absent: why findings are unsupported, and of how many."""

    name: str
    file: str
    gathered: Gathered
    columns: tuple[Column, ...]
    parts: tuple[Part, ...]
    departing: tuple[Line, ...]
    statements: tuple[tuple[str, tuple[Statement, ...]], ...]
    absent: tuple[tuple[str, int], ...]


def framework_pages(gathered: Gathered, out: Path) -> list[FrameworkPage]:
    """Returns the page of each framework."""
    all_cards = cards(gathered)
    return [_page(gathered, out, name, columns, all_cards) for name, columns in gathered.frameworks.items()]


def finding_anchor(finding: Finding) -> str:
    """Returns the HTML id of a finding on its framework's page."""
    return who.slug(["finding", *(str(finding[name]) for name in who.KEY)])  # type: ignore[literal-required]


def finding_href(finding: Finding) -> str:
    """Returns the address of a finding from the other pages."""
    return f"{framework_page(framework(finding['implementation']))}#{finding_anchor(finding)}"


def _page(gathered: Gathered, out: Path, name: str, columns: list[Column], all_cards: list[Card]) -> FrameworkPage:
    own = [one for column in columns for one in gathered.by_column[column]]
    reasons: dict[str, int] = {}
    for one in own:
        if one["verdict"] == "unsupported" and one.get("fault") != "adapter":
            why = one.get("reason") or "no reason given"
            reasons[why] = reasons.get(why, 0) + 1
    return FrameworkPage(
        name=NAMES.get(name, name),
        file=framework_page(name),
        gathered=gathered,
        columns=tuple(columns),
        parts=tuple(_part(gathered, out, name, card) for card in all_cards if _of(card.defect, name)),
        departing=tuple(_line(gathered, out, one) for one in own if one["verdict"] == "deviates"),
        statements=tuple(_statements(gathered, columns, own)),
        absent=tuple(sorted(reasons.items(), key=lambda pair: -pair[1])),
    )


def _of(defect: Defect, name: str) -> list[Finding]:
    return [one for one in defect.findings if framework(one["implementation"]) == name]


def _part(gathered: Gathered, out: Path, name: str, card: Card) -> Part:
    shown = shown_best(card.defect)
    detail = shown.get("detail") or Detail()
    lines = tuple(_line(gathered, out, one) for one in _of(card.defect, name))
    table = comparison(detail, shown["quantity"]) if not card.defect.known else None
    return Part(card=card, lines=lines, comparison=table, detail=detail)


def _line(gathered: Gathered, out: Path, finding: Finding) -> Line:
    results = gathered.results_of(finding)
    return Line(
        anchor=finding_anchor(finding),
        finding=finding,
        dtype=short(finding["dtype"]),
        ratio="" if finding.get("raises") else ratio_text(finding["worst_ratio"]),
        witness=who.link(results, finding["witness"], out),
        script=who.link(results, finding["reproduce"], out),
        known=is_known(finding),
    )


def _statements(
    gathered: Gathered, columns: list[Column], own: list[Finding]
) -> list[tuple[str, tuple[Statement, ...]]]:
    """Returns the statements of each chapter with their verdicts."""
    found = {(one["spec"], who.column_of(one), one["dtype"]): one for one in own}

    def marks(spec: str, column: Column) -> tuple[Mark, ...]:
        mine = [one for dtype in gathered.dtypes if (one := found.get((spec, column, dtype))) is not None]
        return tuple((one["verdict"], SIGNS[one["verdict"]], f"{short(one['dtype'])} {one['verdict']}") for one in mine)

    return [
        (chapter, tuple((spec, tuple(marks(spec, column) for column in columns)) for spec in specs))
        for chapter, specs in gathered.chapters.items()
    ]
