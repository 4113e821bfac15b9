"""The contents of the first page: what is new, defects, map, accuracy, departures, what was not judged, trust, runs.

Rules: a pure function of the merged runs; the template decides nothing but markup; zero is never a loud figure.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from markupsafe import Markup

import bnconform.report.columns as who
from bnconform.report.accuracy import Accuracy, accuracy
from bnconform.report.cards import Card, anchor, cards
from bnconform.report.columns import Column
from bnconform.report.gathered import NAMES, Departure, Gathered, departures, framework, framework_page
from bnconform.report.pictures import bars, short
from bnconform.report.trust import Trust, trust
from bnconform.report.wording import ABSENCES, told_verdict
from bnconform.results.defects import is_wrong
from bnconform.results.records import BAD, Finding, is_stale


@dataclass(frozen=True, kw_only=True)
class Cell:
    """The findings of a chapter on one implementation, as bars; href leads to the defect that breaks most of them."""

    bars: Markup
    words: str
    href: str = ""


@dataclass(frozen=True, kw_only=True)
class Front:
    """The first page. new: how many defects nobody knows yet; stale: in words what the registry no longer knows."""

    gathered: Gathered
    cards: tuple[Card, ...]
    new: int
    prudent: int
    judged: int
    stale: tuple[str, ...]
    frameworks: tuple[tuple[str, str, str, int], ...]
    dtypes: tuple[str, ...]
    heads: tuple[tuple[str, str, str, tuple[Column, ...]], ...]
    map: tuple[tuple[str, int, tuple[Cell, ...]], ...]
    departures: tuple[Departure, ...]
    absences: tuple[tuple[str, str, int], ...]
    accuracy: Accuracy
    trust: Trust

    @property
    def broken(self) -> int:
        """How many findings are broken statements, a broken adapter's left out."""
        return sum(self.gathered.verdicts[verdict] for verdict in BAD)

    @property
    def devices(self) -> bool:
        """Whether more than one device took part."""
        return len({one.device for one in self.gathered.columns}) > 1

    @property
    def wrong(self) -> int:
        """How many findings are wrong."""
        return sum(len(one.defect.findings) for one in self.cards)


def front(gathered: Gathered) -> Front:
    """Returns the contents of the first page."""
    told = cards(gathered)
    per = Counter(name for card in told for _, name, _ in card.frameworks)
    names = [(one, NAMES.get(one, one)) for one in gathered.frameworks]
    return Front(
        gathered=gathered,
        cards=tuple(told),
        new=sum(not one.defect.known for one in told),
        prudent=sum(one.defect.severity == "prudence" for one in told),
        judged=len(gathered.findings) - gathered.verdicts["unsupported"],
        stale=tuple(one["known"]["words"] for one in gathered.findings if is_stale(one)),
        frameworks=tuple((who.slug([one]), name, framework_page(one), per[name]) for one, name in names),
        dtypes=tuple(short(one) for one in gathered.dtypes),
        heads=tuple((NAMES.get(one, one), framework_page(one), columns[0].version, tuple(columns))
                    for one, columns in gathered.frameworks.items()),
        map=tuple(_map(gathered)),
        departures=departures(gathered, gathered.findings),
        absences=tuple(_absences(gathered)),
        accuracy=accuracy(gathered),
        trust=trust(gathered),
    )  # fmt: skip


def _map(gathered: Gathered) -> list[tuple[str, int, tuple[Cell, ...]]]:
    """Returns a row for each chapter, with a cell for each implementation."""
    chapter_of = {name: spec["chapter"] for name, spec in gathered.specs.items()}
    found: dict[tuple[str, Column], list[Finding]] = {}
    for column, findings in gathered.by_column.items():
        for one in findings:
            found.setdefault((chapter_of[one["spec"]], column), []).append(one)
    columns = [column for columns in gathered.frameworks.values() for column in columns]
    return [
        (
            chapter,
            len(specs),
            tuple(_cell(found.get((chapter, column), []), column, gathered) for column in columns),
        )
        for chapter, specs in gathered.chapters.items()
    ]


def _cell(findings: list[Finding], column: Column, gathered: Gathered) -> Cell:
    picture = bars(findings, gathered.dtypes)
    wrong = [one for one in findings if is_wrong(one)]
    absent = Counter(told_verdict(one) for one in findings if one["verdict"] == "unsupported")
    judged = len(findings) - absent.total()
    words = [f"{count} {kind}" for kind, count in absent.most_common()]
    if not wrong:
        words[:0] = [f"{judged} kept"] if judged else ["none judged"]
        return Cell(bars=picture, words=", ".join(words), href=framework_page(framework(column.implementation)))
    most, _ = Counter(anchor(gathered.owners[id(one)]) for one in wrong).most_common(1)[0]
    per = Counter(short(one["dtype"]) for one in wrong)
    words[:0] = [*(f"{count} broken in {dtype}" for dtype, count in per.items()), f"of {judged} judged"]
    return Cell(bars=picture, words=", ".join(words), href=f"#{most}")


def _absences(gathered: Gathered) -> list[tuple[str, str, int]]:
    counts = Counter(one.get("missing", "") for one in gathered.findings if one["verdict"] == "unsupported")
    return [(kind or "not told", words, counts[kind]) for kind, words in ABSENCES.items() if counts[kind]]
