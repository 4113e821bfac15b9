"""The diagnosis of what is wrong in large cases alone: no formula, but the size from which on it shows.

Rules: it speaks where a witness of a family of real sizes is still large after the smallest size was looked for; then
small cases were right, so that no wrong formula of the catalogue is the cause.
"""

from __future__ import annotations

from bnconform.analysis.diagnosis.diagnosis import NOTHING, Diagnosis
from bnconform.analysis.diagnosis.shown import Shown
from bnconform.contract.case import Case
from bnconform.engine.agreement import Agreement
from bnconform.engine.search import LARGE
from bnconform.engine.spec import Spec
from bnconform.engine.tally import Seen


def by_size(spec: Spec, seen: Seen) -> Diagnosis | None:
    """Returns the diagnosis of a failure that only large cases show; None for any other."""
    worst = seen.judged.worst
    if spec.given.channels != "sentinels" or seen.case.x.size <= LARGE or worst is None:
        return None
    size = size_of(seen.case)
    words = f"{NOTHING}; smaller cases are right, so something is lost or counted twice from a size on"
    return Diagnosis(words=words, only=size, shown=_shown(seen.case, worst))


def size_of(case: Case) -> str:
    """Returns the size of a case in words, to stand after "only where": of values, and of channels where they are
    many."""
    rows = f"a channel has {case.rows:,} values and more" if case.rows > 1 else ""
    channels = f"there are {case.channels:,} channels and more" if case.channels > 1 else ""
    return " and ".join(part for part in (rows, channels) if part)


def _shown(case: Case, worst: Agreement) -> Shown | None:
    if not worst.direct or worst.index is None:
        return None
    return Shown(
        case=case,
        output=worst.output,
        index=worst.index,
        actual=worst.actual,
        expected=worst.expected,
        allowance=worst.allowance,
    )
