"""The summary of runs in Markdown: what took part, what is wrong, how many findings of each verdict, and the
causes that are known.

Rules: a pure function of the merged runs, so that the same results give the same text; a finding that is known counts
under its cause, and one that the registry knows otherwise than this run shows it is told as such.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from jinja2 import Environment, PackageLoader, StrictUndefined

import bnconform.report.columns as who
from bnconform.report.cards import SEVERITY
from bnconform.report.columns import Column
from bnconform.report.gathered import Gathered
from bnconform.report.matrix import cells_of
from bnconform.report.wording import shown
from bnconform.results.file import Merged, Results, merge, write_pages
from bnconform.results.merging.beside import elsewhere
from bnconform.results.records import WORST_FIRST, Finding, is_known, is_stale

LONGEST = 130


@dataclass(frozen=True, kw_only=True)
class Line:
    """An implementation, how many of its findings have each verdict, and how many of them the registry knows."""

    column: Column
    counts: dict[str, int]
    known: int


@dataclass(frozen=True, kw_only=True)
class Cause:
    """A cause with the implementations that show it and the number of its findings."""

    reason: str
    link: str
    script: str
    fault: str
    shown_by: tuple[str, ...]
    findings: int


def write_summary(results: Sequence[Results], path: Path) -> Path:
    """Writes the summary of one or more runs to `path` and returns it; an older one is replaced at once."""
    write_pages(path.parent, {path.name: render_summary(merge(results))})
    return path


def render_summary(merged: Merged) -> str:
    """Returns the summary of `merged` as Markdown."""
    findings = [finding for _, finding in merged.findings]
    defects = Gathered(merged).defects
    return _TEMPLATES.get_template("summary.md.jinja").render(
        runs=merged.runs,
        elsewhere=elsewhere,
        cells=cells_of(merged.runs),
        interrupted=merged.interrupted,
        defects=defects,
        new=sum(not one.known for one in defects),
        severity=SEVERITY,
        verdicts=WORST_FIRST,
        specs=len(who.specs(merged)),
        totals=Counter(one["verdict"] for one in findings),
        findings=len(findings),
        known=sum(map(is_known, findings)),
        lines=_lines(who.columns(merged), findings),
        causes=_causes(findings),
        stale=[one for one in findings if is_stale(one)],
    )


def _lines(columns: Iterable[Column], findings: Iterable[Finding]) -> list[Line]:
    own: dict[Column, list[Finding]] = {column: [] for column in columns}
    for one in findings:
        own[who.column_of(one)].append(one)
    return [
        Line(column=column, counts=Counter(one["verdict"] for one in of_one), known=sum(map(is_known, of_one)))
        for column, of_one in own.items()
    ]


def _causes(findings: Iterable[Finding]) -> list[Cause]:
    """Returns the causes in the order of their first finding's implementation, each once."""
    groups: dict[tuple[str, str, str, str], list[Finding]] = {}
    for one in filter(is_known, findings):
        known = one["known"]
        key = known["reason"], known["link"], known.get("script", ""), known["fault"]
        groups.setdefault(key, []).append(one)
    found = [
        Cause(
            reason=_short(reason),
            link=link,
            script=script,
            fault=fault,
            shown_by=tuple(sorted({f"{one['implementation']} {one['version']}" for one in of_one})),
            findings=len(of_one),
        )
        for (reason, link, script, fault), of_one in groups.items()
    ]
    return sorted(found, key=lambda one: (one.shown_by, -one.findings, one.reason))


def _short(reason: str) -> str:
    """Returns the beginning of a reason, whole words of it."""
    if len(reason) <= LONGEST:
        return reason
    return reason[:LONGEST].rpartition(" ")[0].rstrip(",;:") + " …"


def _cell(text: str) -> str:
    """Returns `text` as a cell of a table holds it: on one line, and without ending the cell."""
    return " ".join(text.split()).replace("|", "\\|")


def _source(address: str) -> str:
    """Returns a web address as a link, named after its end, and a path as code."""
    return f"[{'/'.join(address.split('/')[-3:])}]({address})" if who.web(address) else f"`{address}`"


_TEMPLATES = Environment(  # Markdown: `cell` keeps a text within its cell
    loader=PackageLoader("bnconform", "report/templates"),
    autoescape=False,
    finalize=shown,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
    keep_trailing_newline=True,
)
_TEMPLATES.filters |= {"cell": _cell, "source": _source}
