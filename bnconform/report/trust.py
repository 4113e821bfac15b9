"""Can I trust it: what the self-test of the suite that made the runs measured, or that none was.

Rules: figures are those that the runs' files hold; a score that is missing is said to be, and never hidden.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Any

from bnconform.report.gathered import Gathered
from bnconform.report.wording import selftest_text
from bnconform.results.records import beside_reference

FIGURES = ("caught", "of", "alarms", "compared", "median", "worst")


@dataclass(frozen=True, kw_only=True)
class Trust:
    """What the runs say of themselves. caught, of: planted faults; alarms, compared: on values of correct variants;
    None where no self-test was recorded for one of the runs. words: the same in sentences. doubtful: implementations
    that answered beside the reference; notes: what went wrong beside the verdicts, and in how many findings."""

    caught: int | None
    of: int | None
    alarms: int | None
    compared: int | None
    median: float | None
    worst: int | None
    words: tuple[str, ...]
    doubtful: tuple[str, ...]
    notes: tuple[tuple[str, int], ...]

    @property
    def measured(self) -> bool:
        """Whether a self-test was recorded for each of the runs."""
        return self.caught is not None


def trust(gathered: Gathered) -> Trust:
    """Returns what the runs say of themselves."""
    scores = [one.run.get("selftest") for one in gathered.merged.runs]
    known = [score for score in scores if score is not None]
    measured = _measured(known) if known and len(known) == len(scores) else dict.fromkeys(FIGURES)
    return Trust(
        **measured,
        words=tuple(dict.fromkeys(selftest_text(score) for score in scores)),
        doubtful=tuple(beside_reference(gathered.findings)),
        notes=tuple(Counter(note for one in gathered.findings for note in one.get("notes", ())).items()),
    )


def _measured(scores: list[dict[str, Any]]) -> dict[str, Any]:
    """Returns the figures of the score that caught least."""
    worst = min(scores, key=lambda score: sum(score["caught"].values()) / max(1, sum(score["faults"].values())))
    return {
        "caught": sum(worst["caught"].values()),
        "of": sum(worst["faults"].values()),
        "alarms": int(worst["alarms"]),  # a whole number of JSON may be written as -0.0
        "compared": worst["compared"],
        "median": worst["median"],
        "worst": worst["worst"],
    }
