"""Replays the witness of a known deviation and says whether it still holds.

Rules: the spec judges the witness as it judges any case; nothing is searched and nothing shrunk; a deviation holds
where the verdict is still the recorded one for the recorded reason, and only there.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from bnconform.analysis.diagnosis import Diagnosis
from bnconform.engine.runner import Runner
from bnconform.engine.spec import Spec, Subject
from bnconform.engine.tally import Tally
from bnconform.engine.target import Target
from bnconform.results.deviations.deviation import Deviation
from bnconform.results.deviations.signature import signature_of

Explain = Callable[[Tally], Diagnosis]


@dataclass(frozen=True, kw_only=True)
class Replayed:
    """What came of a replay. changes: in words where it is no longer what is known; empty: it holds."""

    deviation: Deviation
    tally: Tally
    diagnosis: Diagnosis
    changes: tuple[str, ...]

    @property
    def holds(self) -> bool:
        """Whether the witness shows what is known of it."""
        return not self.changes

    @property
    def words(self) -> str:
        """What no longer holds, and what to do."""
        return (
            f"{self.deviation.place}, knows {self.deviation.name}, which no longer holds: its witness "
            f"{self.deviation.stored.key} now gives {'; '.join(self.changes)}; remove it there, and where it still "
            "fails let `bnconform deviations --update` propose it anew"
        )


def replay_witness(deviation: Deviation, spec: Spec, target: Target, run: Runner, explain: Explain) -> Replayed:
    """Judges the implementation by the deviation's witness. explain: what diagnoses a tally's failure."""
    tally = Tally(spec=spec)
    tally.record(deviation.witness, spec.judge(Subject(run, target.dialect), deviation.witness))
    diagnosis = explain(tally)
    found = signature_of(tally, diagnosis)
    changes = tuple(deviation.signature.differences(found))
    return Replayed(deviation=deviation, tally=tally, diagnosis=diagnosis, changes=changes)
