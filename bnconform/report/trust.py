"""Can I trust it: what the self-test of the suite that made the runs measured, or that none was.

Rules: figures are those that the runs' files hold; a score that is missing is said to be, and never hidden.
"""

from __future__ import annotations

from dataclasses import dataclass

from bnconform.report.gathered import Gathered
from bnconform.report.wording import selftest_text


@dataclass(frozen=True, kw_only=True)
class Trust:
    """What the runs say of themselves. caught, of: planted faults; alarms, compared: on values of correct variants;
    None where no self-test was recorded for one of the runs. words: the same in sentences."""

    caught: int | None
    of: int | None
    alarms: int | None
    compared: int | None
    median: float | None
    worst: int | None
    words: tuple[str, ...]

    @property
    def measured(self) -> bool:
        """Whether a self-test was recorded for each of the runs."""
        return self.caught is not None


def trust(gathered: Gathered) -> Trust:
    """Returns what the runs say of themselves."""
    scores = [one.run.get("selftest") for one in gathered.merged.runs]
    words = tuple(dict.fromkeys(selftest_text(score) for score in scores))
    known = [score for score in scores if score is not None]
    if len(known) < len(scores) or not known:
        return Trust(caught=None, of=None, alarms=None, compared=None, median=None, worst=None, words=words)
    worst = min(known, key=lambda score: sum(score["caught"].values()) / max(1, sum(score["faults"].values())))
    return Trust(
        caught=sum(worst["caught"].values()),
        of=sum(worst["faults"].values()),
        alarms=worst["alarms"] if isinstance(worst["alarms"], int) else len(worst["alarms"]),
        compared=worst["compared"],
        median=worst["median"],
        worst=worst["worst"],
        words=words,
    )
