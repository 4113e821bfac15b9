"""The contents of the page, computed from the results and ready for the template to print.

Rules: a pure function of the merged runs; the template decides nothing but markup; every finding appears in the table,
and every finding that does not conform has a section of its own or, unsupported, a line in a list.
"""

from __future__ import annotations

import glob
import shlex
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import bnconform.report.columns as who
from bnconform.report.columns import Column
from bnconform.report.tables import Table, case_tables, comparison, settings
from bnconform.report.wording import SHORT, SIGNS, ratio_text, selftest_text, share_text
from bnconform.results.file import Merged, Results
from bnconform.results.records import SHOWN, WORST_FIRST, Detail, Finding, SpecRecord, Verdict, is_known, is_stale


@dataclass(frozen=True, kw_only=True)
class Chip:
    """The verdict of one dtype in a cell of the table; `verdict` is empty where there is no finding."""

    dtype: str
    verdict: str = ""
    sign: str = ""
    title: str
    href: str = ""
    ratio: str = ""


@dataclass(frozen=True, kw_only=True)
class Row:
    """A spec, a cell of chips for each column, and the anchor of the spec."""

    spec: SpecRecord
    anchor: str
    cells: tuple[tuple[Chip, ...], ...]


@dataclass(frozen=True, kw_only=True)
class Section:
    """A finding that does not conform, with all that the page says of it."""

    anchor: str
    finding: Finding
    known: bool
    stale: bool
    spec: SpecRecord
    ratio: str
    claimed: str
    witness: str | None
    reproduce: str | None
    replay: str | None
    settings: dict[str, str]
    comparison: Table | None
    tables: tuple[Table, ...]
    detail: Detail
    links: tuple[tuple[str, str, str], ...]


@dataclass(frozen=True, kw_only=True)
class Page:
    """The whole report. known: how many findings of each verdict the registry of deviations knows; stale: in
    words what it knows and no longer holds."""

    merged: Merged
    counts: dict[str, int]
    known: dict[str, int]
    stale: tuple[str, ...]
    columns: tuple[Column, ...]
    totals: tuple[tuple[Column, dict[str, int]], ...]
    dtypes: tuple[str, ...]
    chapters: dict[str, list[Row]]
    sections: dict[str, list[Section]]
    unsupported: tuple[tuple[Column, tuple[tuple[str, tuple[str, ...]], ...]], ...]
    devices: bool
    selftests: tuple[str, ...]


@dataclass(frozen=True)
class _Viewer:
    merged: Merged
    out: Path

    def page(self) -> Page:
        findings = [finding for _, finding in self.merged.findings]
        columns = who.columns(self.merged)
        per = {column: Counter(f["verdict"] for f in findings if who.column_of(f) == column) for column in columns}
        return Page(
            merged=self.merged,
            counts=_in_order(Counter(finding["verdict"] for finding in findings)),
            known=dict(Counter(finding["verdict"] for finding in findings if is_known(finding))),
            stale=tuple(finding["known"]["words"] for finding in findings if is_stale(finding)),
            columns=columns,
            totals=tuple((column, _in_order(counts)) for column, counts in per.items()),
            dtypes=who.dtypes(self.merged),
            chapters=self._chapters(columns),
            sections=self._sections(),
            unsupported=_unsupported(findings, columns),
            devices=len({column.device for column in columns}) > 1,
            selftests=tuple(dict.fromkeys(selftest_text(one.run.get("selftest")) for one in self.merged.runs)),
        )

    def _chapters(self, columns: tuple[Column, ...]) -> dict[str, list[Row]]:
        chapters: dict[str, list[Row]] = {}
        found = {(f["spec"], who.column_of(f), f["dtype"]): f for _, f in self.merged.findings}
        offered = {(one["name"], one["version"]): set(one["dtypes"]) for one in who.implementations(self.merged)}
        for spec in who.specs(self.merged):
            cells = tuple(
                tuple(
                    _chip(found.get((spec["id"], column, dtype)), dtype, dtype in _offer(offered, column))
                    for dtype in who.dtypes(self.merged)
                )
                for column in columns
            )
            row = Row(spec=spec, anchor=who.slug(["spec", spec["id"]]), cells=cells)
            chapters.setdefault(spec["chapter"], []).append(row)
        return chapters

    def _sections(self) -> dict[str, list[Section]]:
        specs = {spec["id"]: spec for spec in who.specs(self.merged)}
        order = {name: at for at, name in enumerate(specs)}
        shown: dict[str, list[Section]] = {verdict: [] for verdict in SHOWN}
        # What nobody knows yet stands first.
        for results, finding in sorted(
            self.merged.findings, key=lambda pair: (is_known(pair[1]), order[pair[1]["spec"]])
        ):
            if finding["verdict"] in shown:
                shown[finding["verdict"]].append(self._section(results, finding, specs[finding["spec"]]))
        return {verdict: sections for verdict, sections in shown.items() if sections}

    def _section(self, results: Results, finding: Finding, spec: SpecRecord) -> Section:
        detail = finding.get("detail") or Detail()
        case = detail.get("case")
        return Section(
            anchor=_anchor(finding),
            finding=finding,
            known=is_known(finding),
            stale=is_stale(finding),
            spec=spec,
            ratio=ratio_text(finding["worst_ratio"]),
            claimed=share_text(finding["claimed"]),
            witness=who.link(results, finding["witness"], self.out),
            reproduce=who.link(results, finding["reproduce"], self.out),
            replay=self._replay(results, finding),
            settings=settings(case) if case else {},
            comparison=comparison(detail, finding["quantity"]),
            tables=tuple(case_tables(detail)),
            detail=detail,
            links=_dialect_links(results, finding) if finding["verdict"] == "deviates" else (),
        )

    def _replay(self, results: Results, finding: Finding) -> str | None:
        if finding["witness"] is None:
            return None
        path = who.relative(results, finding["witness"], self.out)
        return f"bnconform replay {shlex.quote(path)} --implementation {shlex.quote(_literal(finding))}"


def view(merged: Merged, out: Path) -> Page:
    """Returns the contents of the report of `merged`, with its links relative to `out`."""
    return _Viewer(merged, out).page()


def _literal(finding: Finding) -> str:
    return glob.escape(finding["implementation"])


def _in_order(counts: Mapping[Verdict, int]) -> dict[str, int]:
    return {verdict: counts.get(verdict, 0) for verdict in WORST_FIRST}


def _offer(offered: dict[tuple[str, str], set[str]], column: Column) -> set[str]:
    return offered.get((column.implementation, column.version), set(SHORT))


def _anchor(finding: Finding) -> str:
    return who.slug(["finding", *(str(finding[name]) for name in who.KEY)])  # type: ignore[literal-required]


def _chip(finding: Finding | None, dtype: str, offered: bool) -> Chip:
    short = SHORT.get(dtype, dtype)
    if finding is None:
        return Chip(dtype=short, title=f"{dtype}: {'no finding' if offered else 'a dtype that it does not take'}")
    verdict, ratio = finding["verdict"], ratio_text(finding["worst_ratio"])
    told = [f"{dtype}: {verdict}{', known' if is_known(finding) else ''}"]
    if finding["worst_ratio"] is not None:
        told.append(f"worst ratio {ratio}" + (f" ({finding['quantity']})" if finding["quantity"] else ""))
    told.append(f"{finding['examples']} examples")
    if finding["claimed"] is not None:
        told.append(f"claimed {share_text(finding['claimed'])}")
    title = ", ".join(told)
    target = {"conforms": who.slug(["spec", finding["spec"]]), "unsupported": "unsupported"}
    href = "#" + target.get(verdict, _anchor(finding))
    return Chip(dtype=short, verdict=verdict, sign=SIGNS[verdict], title=title, href=href, ratio=ratio)


def _dialect_links(results: Results, finding: Finding) -> tuple[tuple[str, str, str], ...]:
    """Returns the field of the Dialect that explains the finding, with its link; all that are stated, where none is
    said to."""
    stated: list[tuple[str, str, str]] = []
    for one in results.run["implementations"]:
        if (one["name"], one["version"]) == (finding["implementation"], finding["version"]):
            stated = [(name, str(value), one["links"].get(name, "")) for name, value in one["dialect"].items()]
    declared = finding.get("declared", "")
    named = [entry for entry in stated if entry[0] in (declared, f"{declared} ({finding['dtype']})")]
    return tuple(named or stated)


def _unsupported(findings: list[Finding], columns: tuple[Column, ...]) -> tuple[Any, ...]:
    grouped: dict[Column, dict[str, list[str]]] = {}
    for finding in findings:
        if finding["verdict"] == "unsupported":
            reasons = grouped.setdefault(who.column_of(finding), {})
            place = f"{finding['spec']} ({SHORT.get(finding['dtype'], finding['dtype'])})"
            reasons.setdefault(finding.get("reason") or "no reason given", []).append(place)
    return tuple(
        (column, tuple((reason, tuple(places)) for reason, places in grouped[column].items()))
        for column in columns
        if column in grouped
    )
