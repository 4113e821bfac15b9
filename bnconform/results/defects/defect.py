"""A Defect is what a maintainer acts on: one cause, its title, its severity, and the findings that it explains.

Rules: its implementations, dtypes and statements are read off its findings.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Literal

from bnconform.results.records import Finding

Severity = Literal["ordinary", "unusual", "loud", "prudence"]
SEVERITIES: tuple[Severity, ...] = ("ordinary", "unusual", "loud", "prudence")
"""Silent on ordinary data; silent on unusual data or use; loud: it raises, crashes or hangs; documented by nobody and
asked for by prudence alone. The worst comes first."""


@dataclass(kw_only=True, eq=False)
class Defect:
    """A defect and the findings that it explains.

    id: of the registry, or made of implementation and fault. known: whether the registry knows it. words: how far the
    name explains the findings. likely: the fault of the catalogue that it behaves like; empty for none. beside: the
    fault together with which alone it explains its findings; empty for none.
    """

    id: str
    title: str
    severity: Severity
    effect: str
    known: bool = False
    fault: str = "implementation"
    likely: str = ""
    beside: str = ""
    words: str = ""
    findings: list[Finding] = field(default_factory=list)

    @property
    def implementations(self) -> list[str]:
        """The implementations that have it."""
        return list(dict.fromkeys(one["implementation"] for one in self.findings))

    @property
    def dtypes(self) -> list[str]:
        """The dtypes in which it shows."""
        return list(dict.fromkeys(one["dtype"] for one in self.findings))

    @property
    def specs(self) -> list[str]:
        """The statements that it breaks, those first that most findings are of."""
        return [spec for spec, _ in Counter(one["spec"] for one in self.findings).most_common()]

    @property
    def prudent(self) -> bool:
        """Whether no document makes any of the statements that it breaks."""
        return all(one.get("basis") == "prudence" for one in self.findings)
