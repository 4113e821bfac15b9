"""An Examiner judges families of specs on one target, in the order in which things happen.

Rules: the adapter is put to the smoke test before its implementation is judged, and once; what is known of a family is
replayed before it is searched, and what holds takes no part in the search; every failure is diagnosed.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from bnconform.analysis.diagnosis import Diagnosis, Diagnostician
from bnconform.engine.runner import Runner
from bnconform.engine.search import search
from bnconform.engine.smoke import smoke
from bnconform.engine.spec import Spec
from bnconform.engine.tally import Effort, Tally
from bnconform.engine.target import Target
from bnconform.results.deviations import Registry, Replayed, replay_witness, replayed


@dataclass(frozen=True, kw_only=True)
class Judged:
    """What came of one spec. replayed: what came of the replay of the deviation that is known of it."""

    tally: Tally
    diagnosis: Diagnosis
    replayed: Replayed | None = None


class Examiner:
    """Judges one target. smoke: what came of the smoke test of its adapter."""

    def __init__(self, target: Target, ask: Runner, registry: Registry, effort: Effort) -> None:
        self.target, self.ask = target, ask
        self._registry, self._effort = registry, effort
        self._diagnostician = Diagnostician(target, ask)
        self.smoke = smoke(target, ask)

    def judge(self, family: Sequence[Spec]) -> dict[str, Judged]:
        """Returns what came of specs that are given equal cases, by id; nothing is judged of a broken adapter."""
        if self.smoke.broken is not None:
            return {one.id: Judged(tally=self.smoke.tally(one), diagnosis=Diagnosis()) for one in family}
        known = {one.spec: one for one in self._replay(family)}
        holding = {spec: one.tally for spec, one in known.items() if one.holds}
        rest = [one for one in family if one.id not in holding]
        searched = search(rest, self.target, self.ask, self._effort) if rest else {}
        found = {spec: self._diagnostician.explain(tally) for spec, tally in searched.items()}
        found |= {spec: known[spec].diagnosis for spec in holding}
        tallies = searched | holding
        return {one.id: Judged(tally=tallies[one.id], diagnosis=found[one.id], replayed=known.get(one.id))
                for one in family}  # fmt: skip

    def _replay(self, family: Iterable[Spec]) -> Iterable[Replayed]:
        """Yields what came of the replays of the deviations that cover this target, of those specs."""
        one, target = self.target.implementation, self.target
        for spec in family:
            known = self._registry.of(spec.id, one.name, one.version, target.dtype, target.device)
            if known is not None:
                tally = replay_witness(known, spec, target, self.ask)
                yield replayed(known, tally, self._diagnostician.explain(tally))
