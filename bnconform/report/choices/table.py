"""The documented choices of every implementation, side by side, and whether they were measured to be true.

Rules: a pure function of the merged runs; every implementation has a line, and every choice a column, whether it is
declared or not.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import bnconform.report.columns as who
from bnconform.report.choices.measured import Cell, Choice, cell
from bnconform.report.gathered import Gathered, framework, framework_page
from bnconform.report.wording import SHORT
from bnconform.results.file import Merged
from bnconform.results.records import NARROW, Finding, ImplementationRecord

EARLIER = {
    "running_var": "unbiased", "average": "exponential", "single_value": "zero", "variance": "two-pass",
    "stats_dtype": None,
}  # fmt: skip
"""What a Dialect declared where it stated nothing, in the versions whose runs do not say so."""


@dataclass(frozen=True, kw_only=True)
class Line:
    """An implementation with a cell for each choice. page: that of its framework; defects: how many it has."""

    name: str
    version: str
    cells: tuple[Cell, ...]
    page: str = ""
    defects: int = 0


Defaults = Mapping[str, Any]
Declared = Callable[[ImplementationRecord, Defaults], tuple[str, str]]
Known = dict[tuple[str, str, str], list[Finding]]


def _argument(name: str) -> Declared:
    def declared(one: ImplementationRecord, defaults: Defaults) -> tuple[str, str]:
        argument = (one.get("settings") or {}).get(name)
        if argument is None:
            return "", ""
        return f"{argument['name']}={argument['default'] or '…'}", argument["link"]

    return declared


def _weighs(one: ImplementationRecord, _: Defaults) -> tuple[str, str]:
    settings = one.get("settings") or {}
    argument = settings.get("momentum")
    return (f"the {settings['weighs']}", argument["link"]) if argument else ("", "")


def _field(name: str) -> Declared:
    def declared(one: ImplementationRecord, defaults: Defaults) -> tuple[str, str]:
        value = one["dialect"].get(name, defaults.get(name))
        return "x's type" if value is None else str(value), one["links"].get(name, "")

    return declared


def _sums(one: ImplementationRecord, defaults: Defaults) -> tuple[str, str]:
    """Returns the type of the sums of 16-bit data, by type where it differs."""
    stated = {dtype: one["dialect"].get(f"stats_dtype ({dtype})") for dtype in NARROW if dtype in one["dtypes"]}
    if not stated:
        return "", ""
    common, link = _field("stats_dtype")(one, defaults)
    found = {SHORT[dtype]: value or common for dtype, value in stated.items()}
    same = set(found.values())
    text = same.pop() if len(same) == 1 else ", ".join(f"{dtype}: {value}" for dtype, value in found.items())
    return text, link


def _nothing(one: ImplementationRecord, _: Defaults) -> tuple[str, str]:
    return "", ""


CHOICES: tuple[tuple[Choice, Declared], ...] = (
    (
        Choice(
            heading="ε",
            meaning="name and default of what is added to the variance",
            spec="trains_with_its_documented_epsilon",
            beside="infers_with_its_documented_epsilon",
        ),
        _argument("eps"),
    ),
    (
        Choice(heading="momentum", meaning="name and default", spec="averages_with_its_documented_momentum"),
        _argument("momentum"),
    ),
    (
        Choice(heading="momentum weighs", meaning="the new statistics or the old", spec="averages_the_running_mean"),
        _weighs,
    ),
    (
        Choice(
            heading="running variance",
            meaning="of the batch with 1/m (biased) or 1/(m - 1) (unbiased)",
            spec="averages_the_unbiased_variance",
            field="running_var",
            needs="averages",
        ),
        _field("running_var"),
    ),
    (
        Choice(
            heading="running average",
            meaning="how a layer with a state averages its batches",
            spec="follows_its_own_recurrence",
            field="average",
            needs="averages",
        ),
        _field("average"),
    ),
    (
        Choice(
            heading="one value per channel",
            meaning="in training: an error, or a variance of zero",
            spec="gives_the_shift_for_a_single_value",
            field="single_value",
            needs="training",
        ),
        _field("single_value"),
    ),
    (
        Choice(
            heading="empty batch",
            meaning="whether training on no examples spoils the running statistics; nobody documents it",
            spec="keeps_its_averages_through_an_empty_batch",
        ),
        _nothing,
    ),
    (
        Choice(
            heading="variance",
            meaning="algorithm: about the mean (two-pass), or E[x²] - E[x]² (one-pass), which loses digits",
            spec="loses_no_more_digits_than_its_algorithm",
            field="variance",
            needs="training",
        ),
        _field("variance"),
    ),
    (
        Choice(
            heading="sums of 16-bit data",
            meaning="type that they are accumulated in",
            spec="accumulates_narrow_input_in_the_declared_type",
            field="stats_dtype",
            needs="training",
        ),
        _sums,
    ),
)


def choices() -> tuple[Choice, ...]:
    """Returns the columns of the table."""
    return tuple(choice for choice, _ in CHOICES)


def table(merged: Merged) -> tuple[Line, ...]:
    """Returns a line for each implementation and version of the runs, in their order."""
    known, broken = findings_of(merged), Gathered(merged).defects
    defaults = {(one["name"], one["version"]): run.run.get("defaults", EARLIER)
                for run in merged.runs for one in run.run["implementations"]}  # fmt: skip
    lines = [line(one, known, defaults[one["name"], one["version"]]) for one in who.implementations(merged)]
    return tuple(
        replace(one, page=framework_page(framework(one.name)),
                defects=sum(one.name in defect.implementations for defect in broken))
        for one in lines
    )  # fmt: skip


def linked(merged: Merged) -> frozenset[str]:
    """Returns the anchors of the findings to which the table leads."""
    hrefs = (cell.href for line in table(merged) for cell in line.cells)
    return frozenset(anchor for anchor in (href.partition("#")[2] for href in hrefs) if anchor)


def findings_of(merged: Merged) -> Known:
    """Returns the findings by implementation, version and spec."""
    known: Known = {}
    for _, finding in merged.findings:
        known.setdefault((finding["implementation"], finding["version"], finding["spec"]), []).append(finding)
    return known


def line(one: ImplementationRecord, known: Known, defaults: Defaults) -> Line:
    """Returns an implementation's choices.

    known: the findings by implementation, version and spec. defaults: what a Dialect declares where it states nothing.
    """
    settings, cells = one.get("settings"), []
    for choice, declared in CHOICES:
        value, link = declared(one, defaults)
        found = [finding for spec in choice.specs for finding in known.get((one["name"], one["version"], spec), [])]
        there = not (choice.needs and settings) or choice.needs in settings["offers"]
        assumed = choice.field in defaults and choice.field not in one["links"] and choice.field not in one["dialect"]
        cells.append(cell(choice, value, link, found, assumed) if there else Cell(why=f"no {choice.needs}"))
    return Line(name=one["name"], version=one["version"], cells=tuple(cells))
