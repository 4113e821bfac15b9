"""The text of an issue about a defect, in Markdown, ready to be pasted where a framework takes reports.

Rules: it says versions, what is documented and where, what happens, who agrees with the reference, and how to see it; a
person reads it before it is sent.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import bnconform.report.columns as who
from bnconform.results.defects import Defect
from bnconform.results.records import Finding, SpecRecord

MOST_NAMED = 6


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
    names = [f"`{one}`" for one in defect.implementations]
    versions = sorted({f"{one['implementation'].partition('.')[0]} {one['version']}" for one in defect.findings})
    parts = [
        f"**{defect.title}**",
        f"{defect.effect}" if defect.effect else "",
        f"Seen in {_listed(names)} for {', '.join(defect.dtypes)}, {', '.join(versions)}.",
        f"What is documented: {told.spec['sentence'] or told.spec['id']} ({told.spec['source']})",
        f"What happens: {shown.get('reason', '')}",
        f"What explains it: {shown['explanation']}" if shown.get("explanation") and defect.likely else "",
        f"Of the same statements, {_listed([f'`{one}`' for one in told.agreeing])} keep all." if told.agreeing else "",
        f"Related: {told.link}" if who.web(told.link) else "",
        _script(told),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def _listed(names: Sequence[str]) -> str:
    more = len(names) - MOST_NAMED
    return ", ".join(names[:MOST_NAMED]) + (f" and {more} more" if more > 0 else "")


def _script(told: Told) -> str:
    if not told.script:
        return ""
    ran = f" (it ended with {told.status} when this was written)" if told.status is not None else ""
    return f"This script ends with exit status 1 while it is so{ran}:\n\n```python\n{told.script.rstrip()}\n```"
