"""The page of one framework, to be sent to its maintainers: its defects, every finding that is wrong, all statements.

Rules: a pure function of the merged runs; every finding of the framework stands on the page, in its table if nowhere
else; a finding that does not conform has an anchor of its own, where the pages lie beside their run.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from hashlib import sha256
from itertools import takewhile
from pathlib import Path

import bnconform.report.columns as who
from bnconform.report.cards import Card, cards
from bnconform.report.columns import Column
from bnconform.report.gathered import NAMES, Departure, Gathered, departures, framework, framework_page
from bnconform.report.pictures import short
from bnconform.report.tables import Table, comparison
from bnconform.report.wording import ABSENCES, ratio_text, sign_of, told_verdict
from bnconform.results.defects import Defect
from bnconform.results.proving import shown_best
from bnconform.results.records import Detail, Finding, is_known

_PARTS = re.compile(r"(?<=\.)|(?=[@:])")
_NUMBER = re.compile(r"(?<!\w)[-+]?\d[\w.+-]*(,\s*\d+)*")
Signs = tuple[str, str]
"""What an implementation's findings of a statement came to: a sign by dtype, and the same in words."""
Lines = Callable[[Sequence[Finding]], tuple["Line", ...]]


@dataclass(frozen=True, kw_only=True)
class Place:
    """A finding that does not conform: where. witness, script: addresses of its files; what is known has the script of
    its defect alone, and what departs as documented none; anchor: None where nothing leads to it."""

    anchor: str | None
    dtype: str
    witness: str | None
    script: str | None


@dataclass(frozen=True, kw_only=True)
class Line:
    """The findings of a statement that do not conform. reason, diagnosis: of the one that is furthest from right;
    places: those of each implementation."""

    spec: str
    reason: str
    diagnosis: str
    places: tuple[tuple[str, tuple[Place, ...]], ...]


@dataclass(frozen=True, kw_only=True)
class Alike:
    """Statements of a chapter on which the implementations came to the same verdicts."""

    specs: tuple[str, ...]
    signs: tuple[Signs, ...]


@dataclass(frozen=True, kw_only=True)
class Part:
    """A defect with its findings of this framework, by statement, and the comparison of the one that shows it best."""

    card: Card
    count: int
    lines: tuple[Line, ...]
    comparison: Table | None
    detail: Detail


@dataclass(frozen=True, kw_only=True)
class FrameworkPage:
    """The page of a framework. departing: by documented choice. statements: of each chapter, those together that
    came to the same. absent: by kind, why findings are unsupported, and of how many."""

    name: str
    file: str
    gathered: Gathered
    columns: tuple[Column, ...]
    parts: tuple[Part, ...]
    departing: tuple[tuple[Departure, tuple[Line, ...]], ...]
    statements: tuple[tuple[str, tuple[Alike, ...]], ...]
    absent: tuple[tuple[str, str, tuple[tuple[str, int], ...]], ...]

    @property
    def several(self) -> bool:
        """Whether an implementation stands in several columns, by version or device."""
        return len({one.implementation for one in self.columns}) < len(self.columns)

    @cached_property
    def begun(self) -> int:
        """How many characters the names of its implementations have in common at their beginning, in whole parts."""
        names = [_PARTS.split(one.implementation) for one in self.columns]
        alike = takewhile(lambda parts: len(set(parts)) == 1, zip(*(parts[:-1] for parts in names), strict=False))
        return sum(len(parts[0]) for parts in alike)


def framework_pages(gathered: Gathered, out: Path, anchors: Collection[str] | None = None) -> list[FrameworkPage]:
    """Returns the page of each framework. anchors: those of findings to which other pages lead; None: all are kept."""
    all_cards = cards(gathered)
    lines = partial(_lines, gathered, out, anchors)
    return [_page(gathered, lines, name, columns, all_cards) for name, columns in gathered.frameworks.items()]


def finding_anchor(finding: Finding) -> str:
    """Returns the HTML id of a finding on its framework's page."""
    key = tuple(str(finding[name]) for name in who.KEY if name in finding)  # type: ignore[literal-required]
    return f"f-{sha256(repr(key).encode()).hexdigest()[:12]}"  # short: a page has hundreds of them


def finding_href(finding: Finding) -> str:
    """Returns the address of a finding from the other pages."""
    return f"{framework_page(framework(finding['implementation']))}#{finding_anchor(finding)}"


def _page(gathered: Gathered, lines: Lines, name: str, columns: list[Column], all_cards: list[Card]) -> FrameworkPage:
    own = [one for column in columns for one in gathered.by_column[column]]
    return FrameworkPage(
        name=NAMES.get(name, name),
        file=framework_page(name),
        gathered=gathered,
        columns=tuple(columns),
        parts=tuple(_part(lines, name, card) for card in all_cards if _of(card.defect, name)),
        departing=tuple((one, lines(one.findings)) for one in departures(gathered, own)),
        statements=tuple(_statements(gathered, columns, own)),
        absent=tuple(_absent(own)),
    )


def _of(defect: Defect, name: str) -> list[Finding]:
    return [one for one in defect.findings if framework(one["implementation"]) == name]


def _part(lines: Lines, name: str, card: Card) -> Part:
    shown, own = shown_best(card.defect), _of(card.defect, name)
    detail = shown.get("detail") or Detail()
    table = comparison(detail, shown["quantity"]) if not card.defect.known else None
    return Part(card=card, count=len(own), lines=lines(own), comparison=table, detail=detail)


def _lines(
    gathered: Gathered, out: Path, anchors: Collection[str] | None, findings: Sequence[Finding]
) -> tuple[Line, ...]:
    """Returns a line for each statement of the findings."""
    found: dict[str, list[Finding]] = {}
    for one in findings:
        found.setdefault(one["spec"], []).append(one)
    return tuple(_line(gathered, out, anchors, spec, those) for spec, those in found.items())


def _line(gathered: Gathered, out: Path, anchors: Collection[str] | None, spec: str, findings: list[Finding]) -> Line:
    worst = max(findings, key=lambda one: one["worst_ratio"] or 0.0)
    places: dict[str, list[Place]] = {}
    for one in findings:
        results = gathered.results_of(one)
        own = not gathered.alone and not is_known(one) and one["verdict"] != "deviates"
        anchor = finding_anchor(one)
        place = Place(
            anchor=anchor if anchors is None or anchor in anchors else None,
            dtype=short(one["dtype"]),
            witness=None if gathered.alone else who.link(results, one["witness"], out),
            script=who.link(results, one["reproduce"], out) if own else None,
        )
        places.setdefault(one["implementation"], []).append(place)
    return Line(
        spec=spec,
        reason=_departed(worst) or worst.get("reason") or "no reason given",
        diagnosis="" if is_known(worst) else worst.get("explanation", ""),
        places=tuple((name, tuple(those)) for name, those in places.items()),
    )


def _departed(finding: Finding) -> str:
    """Returns how far a finding departs, if it does; by which choice, and its link, are said above all of them."""
    if finding["verdict"] != "deviates" or finding["quantity"] is None:
        return ""
    return f"{finding['quantity']}: {ratio_text(finding['worst_ratio'])} times the bound of the statement"


def _statements(gathered: Gathered, columns: list[Column], own: list[Finding]) -> list[tuple[str, tuple[Alike, ...]]]:
    """Returns the statements of each chapter, those together whose verdicts are the same throughout."""
    found = {(one["spec"], who.column_of(one), one["dtype"]): one for one in own}

    def signs(spec: str, column: Column) -> Signs:
        mine = [one for dtype in gathered.dtypes if (one := found.get((spec, column, dtype))) is not None]
        words = Counter(told_verdict(one) for one in mine)
        alike = f"all {next(iter(words))}" if len(words) == 1 and len(mine) > 1 else ""
        by_verdict: dict[str, list[str]] = {}
        for one in mine:
            by_verdict.setdefault(told_verdict(one), []).append(short(one["dtype"]))
        told = alike or "; ".join(f"{' '.join(dtypes)} {verdict}" for verdict, dtypes in by_verdict.items())
        return "".join(sign_of(one) for one in mine), told

    chapters = []
    for chapter, specs in gathered.chapters.items():
        groups: dict[tuple[Signs, ...], list[str]] = {}
        for spec in specs:
            groups.setdefault(tuple(signs(spec, column) for column in columns), []).append(spec)
        chapters.append((chapter, tuple(Alike(specs=tuple(those), signs=key) for key, those in groups.items())))
    return chapters


def _absent(own: list[Finding]) -> list[tuple[str, str, tuple[tuple[str, int], ...]]]:
    """Returns for each kind of absence what it means, and its reasons with how many findings have them; of reasons that
    differ in numbers alone the first."""
    reasons: dict[str, dict[str, list[str]]] = {}
    for one in own:
        if one["verdict"] == "unsupported" and one.get("fault") != "adapter":
            why = one.get("reason") or "no reason given"
            reasons.setdefault(one.get("missing", ""), {}).setdefault(_NUMBER.sub("#", why), []).append(why)
    found = {kind: sorted(alike.values(), key=len, reverse=True) for kind, alike in reasons.items()}
    return [(kind or "not told", words, tuple((those[0], len(those)) for those in found[kind]))
            for kind, words in ABSENCES.items() if kind in found]  # fmt: skip
