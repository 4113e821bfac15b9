"""Two faults at once: the pairs of the catalogue that explain what an implementation does with ordinary cases.

Rules: the pairs follow from the target alone, so that a diagnosis does not depend on what was diagnosed before; a pair
is screened by plain float64 on few ordinary cases, then held against each of them as a single fault is; a fault that
moves an output which is right there belongs to no pair, and two that replace the same quantity are none; a failure
needs a pair only where neither of the two explains it alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from bnconform.analysis.diagnosis.evidence import Evidence
from bnconform.analysis.diagnosis.matching import Exhibit
from bnconform.analysis.diagnosis.prediction import in_dialect
from bnconform.analysis.faults import RIGHT, Fault, both, perform, roughly
from bnconform.analysis.faults.calculation import CircularFormulas
from bnconform.oracle.bounds.overflow import OUTPUT_SHARE
from bnconform.oracle.reference.reductions import Array, Mask

WIDER = 16.0
"""How many bounds a screened value may be off: a wrong formula may round worse than the right one."""
SURELY = 4.0
"""How many bounds a fault moves an output that it surely touches."""
MOST_PAIRS = 400
"""How many pairs are held against a failure, at most."""
MOST_SCREENED = 4
"""How many ordinary cases pairs are screened on."""
Place = tuple[int, str]
"""The number of an ordinary case, and the name of an output."""


@dataclass(frozen=True, eq=False)
class _Output:
    """One output of an ordinary case.

    plain: its right values in plain float64. largest: what its type surely holds. odd: whether it is wrong.
    """

    name: str
    actual: Array
    plain: Array
    allowance: Array
    largest: float
    odd: bool

    @property
    def claimed(self) -> Mask:
        """Where a comparison can tell."""
        return np.isfinite(self.allowance) & np.isfinite(self.plain)

    def moves(self, value: Array, bounds: float) -> bool:
        """Returns whether a value is further from the right one than so many bounds, or is no number."""
        with np.errstate(all="ignore"):
            off = ~(np.abs(value - self.plain) <= bounds * self.allowance)
        return bool((off & self.claimed).any())

    def is_near(self, value: Array) -> bool:
        """Returns whether a value may be what the implementation gave, its rounding being that of the largest one."""
        if value.shape != self.plain.shape:  # as where one takes the other's rows for a number of each channel
            return False
        known = self.claimed & (np.abs(value) <= self.largest)
        if not known.any():
            return True
        with np.errstate(all="ignore"):
            size = np.abs(value[known]).max() / max(np.abs(self.plain[known]).max(), self.allowance[known].max())
            wide = WIDER * max(size, 1.0) * self.allowance[known].max()
            return bool((np.abs(self.actual[known] - value[known]) <= wide).all())


class _Screen:
    """An ordinary case, answered, and what faults make of it in plain float64."""

    def __init__(self, exhibit: Exhibit) -> None:
        self._evidence: Evidence = exhibit.evidence
        plain = self.values(RIGHT)
        self.outputs = [
            _Output(
                name=name,
                actual=array,
                plain=plain[name],
                allowance=self._evidence.allowance(name),
                largest=OUTPUT_SHARE * self._evidence.type_of(name).largest,
                odd=name in exhibit.odd,
            )
            for name, array in self._evidence.outputs.items()
        ]

    def values(self, fault: Fault) -> dict[str, Array]:
        """Returns what a fault makes of the case."""
        narrow = self._evidence.types.accumulate.bits == 16
        return roughly(in_dialect(fault, self._evidence.dialect), self._evidence.case, narrow)

    def admits(self, fault: Fault) -> bool:
        """Returns whether the implementation may have that fault."""
        try:
            found = self.values(fault)
        except CircularFormulas:
            return False
        return all(one.is_near(found[one.name]) for one in self.outputs if one.name in found)


def pairs_of(faults: Sequence[Fault], exhibits: Sequence[Exhibit]) -> list[Fault]:
    """Returns the pairs of faults that explain the answers to ordinary cases; none where those are all right.

    One of a pair may explain them alone: beside it the other, which shows in no ordinary case, may be there.
    """
    screens = [_Screen(one) for one in _screened(exhibits)]
    odd = {(place, one.name) for place, screen in enumerate(screens) for one in screen.outputs if one.odd}
    if not odd:
        return []
    surely, perhaps = _touched(faults, screens)
    found: list[Fault] = []
    for one, other in combinations([fault for fault in faults if surely[fault.name] <= odd], 2):
        if odd <= perhaps[one.name] | perhaps[other.name] and not one.formulas.keys() & other.formulas.keys():
            pair = both(one, other)
            if all(screen.admits(pair) for screen in screens) and all(each.match(pair) for each in exhibits):
                found.append(pair)
    return found[:MOST_PAIRS]


def is_needed(pair: Fault, exhibits: Sequence[Exhibit], outputs: Sequence[str] = ()) -> bool:
    """Returns whether neither fault of a pair explains all exhibits alone, as each of them makes a difference."""
    return all(
        any(not one.match(part, outputs) and _differs(pair, part, one, outputs) for one in exhibits)
        for part in pair.parts
    )


def _differs(pair: Fault, part: Fault, exhibit: Exhibit, outputs: Sequence[str]) -> bool:
    """Returns whether both faults together give other values than one of them, in the same arithmetic."""
    evidence = exhibit.evidence
    made, alone = perform(pair, evidence.case, asked=set()), perform(part, evidence.case, asked=set())
    for name in outputs or evidence.outputs:
        one, other = getattr(made, name, None), getattr(alone, name, None)
        if name in evidence.outputs and one is not None and other is not None:
            one, other = one.astype(np.float64), other.astype(np.float64)
            with np.errstate(all="ignore"):
                near = (np.abs(one - other) <= evidence.allowance(name)) | (one == other)
            if not (near | (np.isnan(one) & np.isnan(other))).all():
                return True
    return False


def _screened(exhibits: Sequence[Exhibit]) -> Iterator[Exhibit]:
    """Yields the cases that pairs are screened on: of training and of inference, where most is wrong, small ones."""
    ordered = sorted(exhibits, key=lambda one: (-len(one.odd), one.evidence.case.x.size))
    for mode in ("train", "infer"):
        yield from [one for one in ordered if one.evidence.case.mode == mode][: MOST_SCREENED // 2]


def _touched(
    faults: Iterable[Fault], screens: Sequence[_Screen]
) -> tuple[dict[str, set[Place]], dict[str, set[Place]]]:
    """Returns the outputs that each fault surely moves, and those that it moves at all."""
    surely: dict[str, set[Place]] = {}
    perhaps: dict[str, set[Place]] = {}
    for fault in faults:
        surely[fault.name], perhaps[fault.name] = set(), set()
        for place, screen in enumerate(screens):
            made = screen.values(fault)
            for one in screen.outputs:
                if one.name in made and one.moves(made[one.name], 0.0):
                    perhaps[fault.name].add((place, one.name))
                    if one.moves(made[one.name], SURELY):
                        surely[fault.name].add((place, one.name))
    return surely, perhaps
