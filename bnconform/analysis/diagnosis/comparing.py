"""How faults compare with what was seen: which match, which speak for themselves, which fit closest, which differ.

Rules: each is a question on faults and exhibits alone, and asks no implementation.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import combinations

import numpy as np

from bnconform.analysis.diagnosis.evidence import PERFORMABLE, calculated
from bnconform.analysis.diagnosis.matching import Exhibit
from bnconform.analysis.faults import Fault, perform
from bnconform.analysis.faults.fault import Asked
from bnconform.contract.case import Case
from bnconform.contract.reply import NotOffered, Raised, Reply
from bnconform.engine.tally import Seen

MORE_ROOM = 100.0
"""A fault within a hundredth of another's allowance explains the same; the other merely does not contradict it."""
Outputs = tuple[str, ...]
"""The outputs that are compared; empty: all."""


def performed(fault: Fault, case: Case, asked: Asked) -> Reply:
    """Returns the reply of an implementation with that fault."""
    if not case.needs <= PERFORMABLE:
        return NotOffered("known faults take no such cases")
    try:
        return perform(fault, case, asked=asked)
    except ValueError as error:  # as a batch of no examples is refused
        return Raised("ValueError", str(error), "")


def matching(faults: Iterable[Fault], exhibits: Sequence[Exhibit], outputs: Outputs = ()) -> list[Fault]:
    """Returns the faults that no exhibit contradicts."""
    return [fault for fault in faults if all(one.match(fault, outputs) for one in exhibits)]


def shown(faults: Iterable[Fault], exhibits: Sequence[Exhibit], outputs: Outputs) -> list[Fault]:
    """Returns the faults that explain something which the right formulas do not."""
    return [fault for fault in faults if any(match.shown for one in exhibits if (match := one.match(fault, outputs)))]


def closest(faults: Sequence[Fault], exhibits: Sequence[Exhibit], outputs: Outputs) -> list[Fault]:
    """Returns the faults but those that need so much more room than another that they hardly explain anything."""
    rooms = [
        max((match.room for one in exhibits if (match := one.match(fault, outputs))), default=1.0) for fault in faults
    ]
    return [fault for fault, room in zip(faults, rooms, strict=True) if room <= MORE_ROOM * min(rooms)]


def ratio(exhibit: Exhibit, fault: Fault, outputs: Outputs) -> float:
    """Returns how near to its allowance a fault comes on an exhibit; 0 where it does not match."""
    match = exhibit.match(fault, outputs)
    return 0.0 if match is None else match.ratio


def outputs_of(seen: Seen, exhibits: Sequence[Exhibit]) -> Outputs:
    """Returns the outputs that a finding is about, where others were given beside them that may be wrong as well."""
    worst = seen.judged.worst
    named = () if worst is None else (worst.output,)
    odd = {output for one in exhibits for output in one.odd}
    found = odd.intersection(named) or odd
    return tuple(sorted(found)) if any(set(one.evidence.outputs) - found for one in exhibits) else ()


def tells_apart(posed: Exhibit, faults: Sequence[Fault], exhibits: Sequence[Exhibit]) -> bool:
    """Returns whether any two of the faults differ by more than both allowances in an output that may be given."""
    offered = {output for one in exhibits for output in one.evidence.outputs}
    asked = {output for one in exhibits for output in calculated(one.evidence.case)}
    for output in calculated(posed.evidence.case):
        if output in offered or output not in asked:
            expected = [posed.expected(posed.model(fault), output) for fault in faults]
            if any(_differ(*one, *other) for one, other in combinations(expected, 2)):
                return True
    return False


def _differ(value: np.ndarray, allowance: np.ndarray, other: np.ndarray, its_allowance: np.ndarray) -> bool:
    with np.errstate(all="ignore"):
        apart = np.abs(value - other) > allowance + its_allowance
    return bool((apart | (np.isfinite(value) != np.isfinite(other))).any())
