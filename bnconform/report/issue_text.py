"""The text of an issue about a defect, in Markdown, ready to be pasted where a framework takes reports.

Rules: it says versions, what happens in numbers, what is documented and where, who agrees with the reference, and how
to see it; a person reads it before it is sent, and nothing in it needs this report; what would say the same twice is
said once.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

import bnconform.report.columns as who
from bnconform.report.witness import rows
from bnconform.results.defects import Defect
from bnconform.results.records import Finding, SpecRecord

MOST_NAMED = 6
LONGEST_SCRIPT = 60
"""Lines of a script that an issue may hold."""
_FILE = re.compile(r"\b\d{3}_[0-9a-f]{16}\.txt: ")
"""The name that a document of the collection has here, which says nothing elsewhere; the sentence that it introduces
stays."""


@dataclass(frozen=True, kw_only=True)
class Told:
    """What an issue's text is made of. agreeing: implementations that keep all that the defect breaks."""

    defect: Defect
    shown: Finding
    spec: SpecRecord
    script: str
    status: int | None
    link: str
    agreeing: Sequence[str]


def issue_text(told: Told) -> str:
    """Returns the text of an issue."""
    defect, shown = told.defect, told.shown
    happens = _happens(shown)
    parts = [
        f"**{_title(defect)}**",
        defect.effect if defect.effect not in happens else "",
        f"Seen in {_listed([f'`{one}`' for one in defect.implementations])}, {_where(defect)}.",
        f"For example:\n\n```text\n{happens}\n```" if happens else "",
        f"What is due: {_due(told.spec)}",
        f"The outputs agree with one wrong formula: {shown['explanation']}."
        if shown.get("explanation") and defect.likely
        else "",
        _agreeing(told.agreeing),
        f"Reported before: {told.link}" if who.web(told.link) else "",
        _script(told),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def _title(defect: Defect) -> str:
    """Returns the title, with the implementation where only the report's page would say whose defect it is."""
    if defect.known:
        return defect.title
    return f"{defect.implementations[0]}: {defect.title[:1].lower()}{defect.title[1:]}"


def _where(defect: Defect) -> str:
    versions = {
        f"{one['implementation'].partition('.')[0]} {one['version']}" for one in defect.findings if one["version"]
    }
    devices = dict.fromkeys(one["device"] for one in defect.findings)
    return ", ".join([", ".join(defect.dtypes), *sorted(versions), f"on {' and '.join(devices)}"])


def _happens(shown: Finding) -> str:
    """Returns the witness in a few lines, or the reason where no single answer is wrong by itself."""
    found = rows(shown)
    if [name for name, _ in found] == ["found"]:
        return shown.get("reason") or ""
    return "\n".join(f"{name}: {Markup(value).striptags()}" for name, value in found)


def _due(spec: SpecRecord) -> str:
    """Returns what a statement asks for, with its equation where that is one of a single run, and its source."""
    formula, source = spec.get("formula", ""), _FILE.sub("", spec["source"]).strip()
    parts = [spec["sentence"] or spec["id"], f"`{formula}`" if formula else "", f"({source})" if source else ""]
    return " ".join(part for part in parts if part)


def _agreeing(names: Sequence[str]) -> str:
    if not names:
        return ""
    return (
        f"On the same cases {_listed([f'`{one}`' for one in names])} agree{'s' * (len(names) == 1)} with the reference."
    )


def _listed(names: Sequence[str]) -> str:
    more = len(names) - MOST_NAMED
    return ", ".join(names[:MOST_NAMED]) + (f" and {more} more" if more > 0 else "")


def _script(told: Told) -> str:
    """Returns the script, and how it ended when it ran."""
    lines = len(told.script.splitlines())
    if not lines:
        return ""
    if lines > LONGEST_SCRIPT:
        return f"The script that shows it has {lines} lines; it is attached."
    ran = {1: ", as it did when this was written", None: ""}.get(told.status, "; when this was written it did not")
    if told.status is not None and told.status < 0:
        ran = "; when this was written its process was ended by a signal"
    return f"This script ends with exit status 1 while it is so{ran}:\n\n```python\n{told.script.strip()}\n```"
