"""The findings on one documented choice: measured true, contradicted, or not measured.

Rules: a choice is called true only where a finding says so of the declared value, and contradicted only where values
were compared and no type agrees: a single type that disagrees may fail for another reason, and is named; an unmeasured
choice is called so.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

import bnconform.report.columns as who
from bnconform.report.frameworks import finding_href
from bnconform.report.wording import SHORT
from bnconform.results.records import Finding

Measured = Literal["true", "partly", "contradicted", "unmeasured"]
MARKS: dict[Measured, str] = {"true": "✓", "partly": "✓ but", "contradicted": "✗", "unmeasured": ""}
TOLD: dict[Measured, str] = {
    "true": "measured true",
    "partly": "measured true, but for",
    "contradicted": "contradicted by measurement",
    "unmeasured": "not measured",
}
PAPER = {"running_var": "unbiased", "single_value": "zero"}
"""What the paper's statement asks; an implementation that declares another is measured true where it deviates."""


@dataclass(frozen=True, kw_only=True)
class Cell:
    """A choice: its declared value ("" where it has none), its link, and the measurement.

    assumed: nothing states it, and the paper's choice is taken for it. where: the types for which it is untrue while
    true for others. why: in words. href: a finding.
    """

    value: str = ""
    link: str = ""
    measured: Measured = "unmeasured"
    assumed: bool = False
    where: str = ""
    why: str = ""
    href: str = ""

    @property
    def text(self) -> str:
        """The value; in parentheses where it is assumed."""
        return f"({self.value})" if self.assumed else self.value

    @property
    def mark(self) -> str:
        """The sign of what was measured."""
        return f"{MARKS[self.measured]} {self.where}".strip()

    @property
    def told(self) -> str:
        """The measurement, in words."""
        return f"{TOLD[self.measured]} {self.where}".strip()


@dataclass(frozen=True, kw_only=True)
class Choice:
    """A column of the table: its heading, its meaning, and the spec that measures it, with another `beside` it.

    field: of the Dialect; needs: the one of settings.OFFERS that it concerns; "": all implementations.
    """

    heading: str
    meaning: str
    spec: str
    beside: str = ""
    field: str = ""
    needs: str = ""

    @property
    def specs(self) -> tuple[str, ...]:
        """The ids of the specs that measure it."""
        return (self.spec, self.beside) if self.beside else (self.spec,)


def cell(choice: Choice, value: str, link: str, found: list[Finding], assumed: bool = False) -> Cell:
    """Returns the cell of a choice whose declared value is `value`, by the findings of the spec that measures it."""
    if choice.spec == "keeps_its_averages_through_an_empty_batch":
        return _empty_batch(found)
    if found and all(_offers_nothing(finding) for finding in found) and choice.field in ("running_var", "average"):
        return Cell(why="; ".join(dict.fromkeys(finding.get("reason", "") for finding in found)))
    judged = [(finding, _judged(choice, value, finding)) for finding in found] if value else []
    kept, broken = ([finding for finding, what in judged if what == state] for state in ("true", "contradicted"))
    if kept and broken:
        state: Measured = "partly"
        where, shown = _dtypes(broken), broken
    else:
        state, where, shown = "true" if kept else "contradicted", "", kept or broken
    if shown:
        measured = Cell(value=value, link=link, measured=state, where=where, why=_why(shown), href=_href(shown[0]))
        return replace(measured, assumed=assumed)
    return Cell(value=value, link=link, assumed=assumed, why=_why([finding for finding, _ in judged][:1]))


def _judged(choice: Choice, value: str, finding: Finding) -> Measured:
    """Returns what one finding says of the declared value."""
    verdict, paper = finding["verdict"], PAPER.get(choice.field, value)
    if verdict == "deviates":
        return "true" if value != paper else "unmeasured"
    if verdict == "conforms":
        return "true" if value == paper else "contradicted"
    compared = (finding.get("detail") or {}).get("actual") is not None or choice.field == "single_value"
    return "contradicted" if verdict == "fails" and compared and finding.get("fault") != "adapter" else "unmeasured"


def _offers_nothing(finding: Finding) -> bool:
    return finding["verdict"] == "unsupported"


def _empty_batch(found: list[Finding]) -> Cell:
    words: dict[str, tuple[str, Measured]] = {
        "conforms": ("does no harm", "true"),
        "fails": ("spoils the averages", "contradicted"),
        "crashes": ("ends the process", "contradicted"),
        "hangs": ("hangs", "contradicted"),
    }
    for verdict in ("crashes", "hangs", "fails", "conforms"):
        those = [finding for finding in found if finding["verdict"] == verdict]
        if those:
            value, measured = words[verdict]
            return Cell(value=value, measured=measured, why=_why(those), href=_href(those[0]))
    return Cell(why=_why(found[:1]))


def _why(found: list[Finding]) -> str:
    return f"{_dtypes(found)}: {found[0].get('reason') or found[0]['verdict']}" if found else "no finding"


def _dtypes(found: list[Finding]) -> str:
    return ", ".join(dict.fromkeys(SHORT.get(finding["dtype"], finding["dtype"]) for finding in found))


def _href(finding: Finding) -> str:
    if finding["verdict"] == "conforms":
        return "specs.html#" + who.slug(["spec", finding["spec"]])
    return finding_href(finding) if finding["verdict"] != "unsupported" else ""
