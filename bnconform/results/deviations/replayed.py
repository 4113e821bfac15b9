"""Replays the witness of a known deviation and says whether it still holds.

Rules: the spec judges the witness as it judges any case; nothing is searched and nothing shrunk; a deviation holds
where the verdict is still the recorded one for the recorded reason, and only there.
"""

from __future__ import annotations

from dataclasses import dataclass

from bnconform.analysis.diagnosis import Diagnosis
from bnconform.engine.runner import Ask
from bnconform.engine.spec import Spec, Subject
from bnconform.engine.tally import Tally
from bnconform.engine.target import Target
from bnconform.results.deviations.deviation import Deviation
from bnconform.results.deviations.signature import signature_of


@dataclass(frozen=True, kw_only=True)
class Replayed:
    """The result of a replay. changes: differences from the known finding, in words; empty: it holds."""

    deviation: Deviation
    tally: Tally
    diagnosis: Diagnosis
    changes: tuple[str, ...]

    @property
    def spec(self) -> str:
        """The id of the spec that the deviation is of."""
        return self.deviation.spec

    @property
    def holds(self) -> bool:
        """Whether the witness still shows the known finding."""
        return not self.changes

    @property
    def words(self) -> str:
        """The changes of the deviation, in words, and the remedy."""
        return (
            f"{self.deviation.place}, knows {self.deviation.name}, which no longer holds: its witness "
            f"{self.deviation.stored.key} now gives {'; '.join(self.changes)}; remove it there, and where it still "
            "fails let `bnconform deviations --update` propose it anew"
        )


def replay_witness(deviation: Deviation, spec: Spec, target: Target, ask: Ask) -> Tally:
    """Judges the implementation by the deviation's witness."""
    tally = Tally(spec=spec)
    tally.record(deviation.witness, spec.judge(Subject(ask, target.dialect), deviation.witness))
    return tally


def replayed(deviation: Deviation, tally: Tally, diagnosis: Diagnosis) -> Replayed:
    """Returns whether the deviation holds, by what its witness showed and what explains that."""
    found = signature_of(tally, diagnosis)
    changes = tuple(deviation.signature.differences(found))
    return Replayed(deviation=deviation, tally=tally, diagnosis=diagnosis, changes=changes)
