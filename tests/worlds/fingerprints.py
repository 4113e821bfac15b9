"""Fingerprints of implementations in this process, as values by property."""

from __future__ import annotations

from bnconform import Implementation
from bnconform.analysis.fingerprint.declared import Comparison, compared
from bnconform.analysis.fingerprint.fingerprinting import fingerprint
from bnconform.analysis.fingerprint.inferred import Inferred
from bnconform.contract.reply import Reply
from bnconform.engine.runner import Runner
from bnconform.engine.spec import Subject
from bnconform.host.server import answer


class Here:
    """The part of a host that a runner needs, without a process."""

    def __init__(self, implementation: Implementation) -> None:
        self.timeout, self.implementation = 60.0, implementation

    def run(self, name: str, case: object) -> Reply:
        return answer(self.implementation, case, __file__)

    def close(self) -> None:
        """Does nothing: there is no process to renew."""


def inferred(implementation: Implementation, dtype: str, rank: int = 4, axis: int = 1) -> dict[str, Inferred]:
    """Returns the inferred values of `implementation`, by property."""
    here = Here(implementation)
    run = Runner(lambda: here, implementation.name, implementation.features, implementation.ranks)
    found = fingerprint(Subject(run, implementation.dialect_for(dtype)), dtype, rank, axis)
    return {one.property: one for one in found}


def values(implementation: Implementation, dtype: str, rank: int = 4) -> dict[str, str | None]:
    """Returns the value of each property; None where it is undecided."""
    return {name: one.value for name, one in inferred(implementation, dtype, rank).items()}


def comparisons(implementation: Implementation, dtype: str) -> dict[str, Comparison]:
    """Returns the inferences of `implementation` beside its Dialect, by property."""
    found = compared(inferred(implementation, dtype).values(), implementation.dialect_for(dtype), dtype)
    return {one.inferred.property: one for one in found}


def contradictions(implementation: Implementation, dtype: str) -> dict[str, str | None]:
    """Returns the values that contradict the declarations of `implementation`, by property."""
    found = comparisons(implementation, dtype)
    return {name: one.inferred.value for name, one in found.items() if one.relation == "contradicts"}
