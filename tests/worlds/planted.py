"""Faults of the catalogue, planted in an implementation, and the diagnosis of the first spec they break."""

from __future__ import annotations

from typing import NamedTuple

from bnconform.analysis.diagnosis import Diagnosis, Diagnostician
from bnconform.analysis.selftest.trial import asking, first_broken, targets
from bnconform.engine.agreement import BAD
from bnconform.engine.book import all_specs
from bnconform.engine.tally import Effort


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
    (target,) = targets([f"faults.{fault}"], [dtype])
    ask = asking(target)
    broken = [tally for tally in first_broken(target, ask, all_specs(), Effort()) if tally.verdict in BAD]
    if not broken or broken[0].shown is None:
        return Planted(fault, dtype, None, Diagnosis())
    return Planted(
        fault, dtype, broken[0].spec.id, Diagnostician(target, ask).diagnose(broken[0].spec, broken[0].shown)
    )
