"""The result of a smoke test: nothing, a broken adapter, or notes for the reasons of statements that are not kept.

Rules: a broken adapter is told in the words and with the verdict that a spec has for one; a note never changes a
verdict, and stands only beside a failure in the very output that it explains.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from bnconform.contract.case import Case
from bnconform.contract.reply import Broken
from bnconform.engine.agreement import BAD, Judgement, Verdict
from bnconform.engine.spec import Spec
from bnconform.engine.tally import Seen, Tally

_ASIDE = "in the smoke test it was just what {} gives, which the adapter may have done"


@dataclass(frozen=True)
class Note:
    """The slip that would explain an output in every case of the smoke test: a noun that fits before "gives"."""

    output: str
    words: str


@dataclass(frozen=True, kw_only=True)
class Smoke:
    """The result of the smoke test of one adapter. broken: the case that showed that it is at fault, if it is.

    unanswered: whether every case ended in an exception, so that the call in the adapter, the machine and the
    implementation cannot be told apart. lacks: gradients that are not returned where the others are.
    """

    broken: Seen | None = None
    notes: tuple[Note, ...] = ()
    unanswered: bool = False
    lacks: tuple[str, ...] = ()

    def tally(self, spec: Spec) -> Tally:
        """Returns the tally of a spec by which nothing is judged, as the adapter is broken."""
        found = Tally(spec=spec)
        if self.broken is not None:
            found.record(self.broken.case, self.broken.judged)
        return found

    def asides(self, verdict: Verdict, outputs: Collection[str]) -> list[str]:
        """Returns in words the adapter's possible slip, where the verdict on these outputs tells of a failure."""
        return [_ASIDE.format(words) for words in self.slips(verdict, outputs)]

    def slips(self, verdict: Verdict, outputs: Collection[str]) -> list[str]:
        """Returns the slips that would explain these outputs, where the verdict on them tells of a failure."""
        fitting = [one.words for one in self.notes if one.output in outputs and verdict in BAD]
        return list(dict.fromkeys(fitting))


def broken_by(case: Case, message: str) -> Smoke:
    """Returns that the adapter is broken, as `case` showed."""
    return Smoke(broken=Seen(case, Judgement(reply=Broken(message))))
