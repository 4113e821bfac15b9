"""What departs from a statement as its own documentation says, by the choice that it documents.

Rules: each departing finding belongs to one choice; a choice is a field of a Dialect with its value.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import bnconform.report.columns as who
from bnconform.report.gathered import Gathered
from bnconform.results.records import Finding


@dataclass(frozen=True, kw_only=True)
class Departure:
    """A documented choice, and the findings that depart by it. link: its documentation, "" where none is given."""

    field: str
    value: str
    link: str
    findings: tuple[Finding, ...]

    @property
    def name(self) -> str:
        """The choice in words."""
        return f"{self.field} = {self.value}" if self.value else self.field

    @property
    def implementations(self) -> tuple[str, ...]:
        """Those that depart by it, in order."""
        return tuple(dict.fromkeys(one["implementation"] for one in self.findings))

    @property
    def statements(self) -> int:
        """How many statements its findings depart from."""
        return len({one["spec"] for one in self.findings})


def departures(gathered: Gathered, findings: Iterable[Finding]) -> tuple[Departure, ...]:
    """Returns the documented choices by which some of the findings depart."""
    stated = {(one["name"], one["version"]): one for one in who.implementations(gathered.merged)}
    found: dict[tuple[str, str], list[tuple[Finding, str]]] = {}
    for one in findings:
        if one["verdict"] == "deviates":
            field = one.get("declared", "")
            record = stated.get((one["implementation"], one["version"]))
            dialect = {} if record is None else record["dialect"]
            value = dialect.get(f"{field} ({one['dtype']})", dialect.get(field, ""))
            link = "" if record is None else record["links"].get(field, "")
            found.setdefault((field, str(value)), []).append((one, link))
    return tuple(
        Departure(
            field=field or "a documented choice",
            value=value,
            link=next((link for _, link in those if link), ""),
            findings=tuple(one for one, _ in those),
        )
        for (field, value), those in found.items()
    )
