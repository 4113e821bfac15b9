"""The diagnosis of what is wrong in large cases alone: no formula, but the size from which on it shows.

Rule: it speaks where a witness of a family of real sizes is large and ordinary cases are right, so that no wrong
formula of the catalogue is the cause.
"""

from __future__ import annotations

from bnconform.analysis.diagnosis.diagnosis import NOTHING, Diagnosis
from bnconform.analysis.diagnosis.shown import Shown
from bnconform.contract.case import Case
from bnconform.engine.agreement import Agreement
from bnconform.engine.search import LARGE
from bnconform.engine.spec import Spec
from bnconform.engine.tally import Seen


def is_large(spec: Spec, seen: Seen) -> bool:
    """Returns whether a failure is shown by a large case of a family of real sizes."""
    return spec.given.channels == "sentinels" and seen.case.x.size > LARGE and seen.judged.worst is not None


def by_size(seen: Seen) -> Diagnosis:
    """Returns the diagnosis of a failure that large cases alone show."""
    size = size_of(seen.case)
    words = f"{NOTHING}; smaller cases are right, so something is lost or counted twice from a size on"
    return Diagnosis(words=words, only=size, shown=_shown(seen.case, seen.judged.worst))


def size_of(case: Case) -> str:
    """Returns the size of a case in words, to stand after "only where": of values, and of channels where they are
    many."""
    rows = f"a channel has {case.rows:,} values and more" if case.rows > 1 else ""
    channels = f"there are {case.channels:,} channels and more" if case.channels > 1 else ""
    return " and ".join(part for part in (rows, channels) if part)


def _shown(case: Case, worst: Agreement | None) -> Shown | None:
    if worst is None or not worst.direct or worst.index is None:
        return None
    return Shown(
        case=case,
        output=worst.output,
        index=worst.index,
        actual=worst.actual,
        expected=worst.expected,
        allowance=worst.allowance,
    )
