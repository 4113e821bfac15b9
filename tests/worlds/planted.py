"""Faults of the catalogue, planted in an implementation, and the diagnosis of the first spec they break."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from bnconform import Case, Dialect, Outcome
from bnconform.analysis.diagnosis import Diagnosis, Diagnostician
from bnconform.analysis.diagnosis.prediction import in_dialect
from bnconform.analysis.faults import RIGHT, Fault, perform
from bnconform.analysis.faults.adapter import DIALECT, FEATURES, SETTINGS
from bnconform.analysis.selftest.trial import asking, first_broken, targets
from bnconform.contract.implementation import Described
from bnconform.engine.agreement import BAD
from bnconform.engine.book import all_specs
from bnconform.engine.runner import Runner
from bnconform.engine.tally import Effort
from bnconform.engine.target import Target
from worlds.searches import Here, implementation


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
    return _diagnosed(fault, target, asking(target))


def diagnosed_in(dialect: Dialect, fault: Fault, dtype: str) -> Planted:
    """Returns the same of an implementation that declares this dialect and keeps it, but for the fault."""
    wrong = in_dialect(fault, dialect)
    about = implementation(lambda case: perform(wrong, case), dialect, features=FEATURES, settings=SETTINGS)
    target = Target(implementation=Described.of(about), dtype=dtype)
    return _diagnosed(fault.name, target, Runner.of(target, lambda: Here(about)))


def _diagnosed(fault: str, target: Target, ask: Runner) -> Planted:
    broken = [tally for tally in first_broken(target, ask, all_specs(), Effort()) if tally.verdict in BAD]
    if not broken or broken[0].shown is None:
        return Planted(fault, target.dtype, None, Diagnosis())
    found = Diagnostician(target, ask).diagnose(broken[0].spec, broken[0].shown)
    return Planted(fault, target.dtype, broken[0].spec.id, found)


def diagnosed_where(holds: Callable[[Case], bool], fault: Fault, dtype: str) -> Planted:
    """Returns the same of an implementation that has the fault in some cases alone."""

    def run(case: Case) -> Outcome:
        return perform(fault if holds(case) else RIGHT, case)

    about = implementation(run, DIALECT, features=FEATURES, settings=SETTINGS)
    target = Target(implementation=Described.of(about), dtype=dtype)
    return _diagnosed(fault.name, target, Runner.of(target, lambda: Here(about)))
