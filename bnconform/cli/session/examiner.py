"""An Examiner judges families of specs on one target, in the order in which things happen.

Rules: the adapter is put to the smoke test before its implementation is judged, and once; what is known of a family is
replayed before it is searched, and what holds takes no part in the search; every other failure is judged again before
it is diagnosed, and what no other call shows is not compared with faults, which do repeat; an error of bnconform's own
costs one finding and is told with it.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import partial

from bnconform.analysis.diagnosis import Diagnosis, Diagnostician
from bnconform.analysis.diagnosis.diagnostician import UNREPEATED
from bnconform.engine.asking.again import judge_again
from bnconform.engine.asking.repetition import Unrepeated
from bnconform.engine.runner import Runner
from bnconform.engine.search import search
from bnconform.engine.smoke import Smoke, smoke
from bnconform.engine.spec import Spec
from bnconform.engine.tally import Effort, OwnError, Tally, noting
from bnconform.engine.target import Target
from bnconform.results.deviations import Registry, Replayed, replay_witness, replayed


@dataclass(frozen=True, kw_only=True)
class Judged:
    """What came of one spec. replayed: what came of the replay of the deviation that is known of it. unrepeated: what
    calls on the way showed and others of the same case did not."""

    tally: Tally
    diagnosis: Diagnosis
    replayed: Replayed | None = None
    unrepeated: tuple[Unrepeated, ...] = ()


ANY = ""
"""In place of the id of a spec: an error that is told with the first finding there is."""


class Examiner:
    """Judges one target. smoke: what came of the smoke test of its adapter."""

    def __init__(self, target: Target, ask: Runner, registry: Registry, effort: Effort) -> None:
        self.target, self.ask = target, ask
        self._registry, self._effort = registry, effort
        self._diagnostician = Diagnostician(target, ask)
        self.smoke = Smoke()
        self._untold: dict[str, OwnError] = {}
        self._unrepeated = len(ask.unrepeated)  # those that were told, or belong to another dtype
        with noting(partial(self._note, ANY), "the smoke test"):
            self.smoke = smoke(target, ask)

    def judge(self, family: Sequence[Spec], until: float = math.inf) -> dict[str, Judged]:
        """Returns what came of specs that are given equal cases, by id; nothing is judged of a broken adapter.

        until: when the search is to end, by the monotonic clock.
        """
        if self.smoke.broken is not None:
            return {one.id: Judged(tally=self.smoke.tally(one), diagnosis=Diagnosis()) for one in family}
        known = {one.spec: one for one in self._replay(family)}
        holding = {spec: one.tally for spec, one in known.items() if one.holds}
        rest = [one for one in family if one.id not in holding]
        effort = replace(self._effort, until=until)
        searched = search(rest, self.target, self.ask, effort) if rest else {}
        with noting(partial(self._note, ANY), "asking again"):
            judge_again(searched.values(), self.target, self.ask)
        found = {spec: self._explained(tally) for spec, tally in searched.items()}
        found |= {spec: known[spec].diagnosis for spec in holding}
        tallies = searched | holding
        for spec, tally in tallies.items():
            for error in (self._untold.pop(name) for name in (spec, ANY) if name in self._untold):
                tally.note(error)
        judged = {one.id: Judged(tally=tallies[one.id], diagnosis=found[one.id], replayed=known.get(one.id))
                  for one in family}  # fmt: skip
        judged[family[0].id] = replace(judged[family[0].id], unrepeated=self._since())
        return judged

    def _since(self) -> tuple[Unrepeated, ...]:
        """Returns what did not repeat since this was asked last; the first finding of a family tells it."""
        found = tuple(self.ask.unrepeated[self._unrepeated :])
        self._unrepeated += len(found)
        return found

    def _note(self, spec: str, error: OwnError) -> None:
        self._untold.setdefault(spec, error)

    def _explained(self, tally: Tally) -> Diagnosis:
        """Returns what explains a tally's failure; nothing where the diagnosis itself raises, which the tally notes."""
        if tally.flaky and tally.repetition is not None and tally.repetition.shown == 1:
            return Diagnosis(words=UNREPEATED)
        with noting(tally.note, "the diagnosis", None if tally.failure is None else tally.failure.case):
            return self._diagnostician.explain(tally)
        return Diagnosis()

    def _replay(self, family: Iterable[Spec]) -> Iterable[Replayed]:
        """Yields what came of the replays of the deviations that cover this target, of those specs."""
        one, target = self.target.implementation, self.target
        for spec in family:
            known = self._registry.of(spec.id, one.name, one.version, target.dtype, target.device)
            if known is not None:
                with noting(partial(self._note, spec.id), "the replay"):
                    tally = replay_witness(known, spec, target, self.ask)
                    yield replayed(known, tally, self._explained(tally))
