"""Faults of the catalogue, planted in an implementation, and the diagnosis of the first spec they break."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from bnconform.analysis.diagnosis import Diagnosis, Diagnostician
from bnconform.analysis.selftest.trial import families, runner, search_until, targets
from bnconform.engine.agreement import BAD
from bnconform.engine.book import all_specs
from bnconform.engine.runner import Runner
from bnconform.engine.spec import Spec
from bnconform.engine.tally import Effort, Tally
from bnconform.engine.target import Target


class Planted(NamedTuple):
    """A fault in a dtype, the spec that caught it and the diagnosis; None: no spec caught it."""

    fault: str
    dtype: str
    spec: str | None
    found: Diagnosis

    @property
    def first(self) -> bool:
        """Whether the fault is named first, or with the same ratio in two digits as the first."""
        best = [
            one["fault"] for one in self.found.likely if round(one["ratio"] - self.found.likely[0]["ratio"], 2) == 0
        ]
        return self.fault in best


def diagnosed(fault: str, dtype: str) -> Planted:
    """Returns the diagnosis of the first spec, in the order of the book, that catches the fault."""
    (about,) = targets([f"faults.{fault}"], [dtype])
    run = runner(about)
    tally = first_caught(about, run, all_specs())
    if tally is None or tally.shown is None:
        return Planted(fault, dtype, None, Diagnosis())
    return Planted(fault, dtype, tally.spec.id, Diagnostician(about, run).diagnose(tally.spec, tally.shown))


def first_caught(about: Target, run: Runner, specs: Sequence[Spec]) -> Tally | None:
    """Returns the tally of the first spec that is not kept, after a glance at every family and then a longer look."""
    for examples in (5, 100):
        for family in families(specs):
            tallies = search_until(family, about, run, Effort(examples=examples), first=True)
            caught = [tally for tally in tallies if tally.verdict in BAD]
            if caught:
                return caught[0]
    return None
