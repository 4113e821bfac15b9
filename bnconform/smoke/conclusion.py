"""What came of a smoke test: nothing, a broken adapter, or notes for the reasons of statements that are not kept.

Rules: a broken adapter is told in the words and with the verdict that a spec has for one; a note never changes a
verdict, and stands only beside a failure in the very output that it explains.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from bnconform.case import Case
from bnconform.records import Finding
from bnconform.replies import Broken
from bnconform.search import Tally
from bnconform.shrink import Seen
from bnconform.spec import Spec
from bnconform.verdict import BAD, Judgement

_ASIDE = "in the smoke test it was just what {} gives, which the adapter may have done"


@dataclass(frozen=True)
class Note:
    """What would explain an output in every case of the smoke test: a noun that fits before "gives"."""

    quantity: str
    words: str


@dataclass(frozen=True, kw_only=True)
class Smoke:
    """What came of the smoke test of one adapter. broken: the case that showed that it is at fault, if it is."""

    broken: Seen | None = None
    notes: tuple[Note, ...] = ()

    def tally(self, spec: Spec) -> Tally:
        """Returns the tally of a spec by which nothing is judged, as the adapter is broken."""
        found = Tally(spec=spec)
        if self.broken is not None:
            found.record(self.broken.case, self.broken.judged)
        return found

    def noted(self, record: Finding) -> Finding:
        """Returns the finding, its reason with what the adapter may have done, where it tells of a failure."""
        if record["verdict"] not in BAD:
            return record
        fitting = [one.words for one in self.notes if re.search(rf"\b{one.quantity}\b", record["quantity"] or "")]
        more = "".join(f"; {_ASIDE.format(words)}" for words in dict.fromkeys(fitting))
        return {**record, "reason": record.get("reason", "") + more}


def broken_by(case: Case, message: str) -> Smoke:
    """Returns that the adapter is broken, as `case` showed."""
    return Smoke(broken=Seen(case, Judgement(reply=Broken(message))))
