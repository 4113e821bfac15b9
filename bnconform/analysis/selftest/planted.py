"""A Planted implementation: the reference with one fault of the catalogue, two at once, or one behind a condition.

Rules: what is planted is an implementation like any other, with the dialect and the features of the catalogue's own;
every choice follows from the seed; two faults are planted together only where they replace no quantity twice and drawn
cases tell both from each of them, and one behind a condition only where ordinary cases show it on either side of that.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache
from itertools import islice

import numpy as np

from bnconform.analysis.diagnosis.conditions import design
from bnconform.analysis.diagnosis.diagnostician import MODES
from bnconform.analysis.faults import FAULTS, RIGHT, Fault, both, perform, values
from bnconform.analysis.faults.adapter import DIALECT, FEATURES, SETTINGS
from bnconform.analysis.faults.calculation import CircularFormulas
from bnconform.analysis.selftest.power import NEEDED, POWERED, drawn_of
from bnconform.cases.strategies import Traits
from bnconform.contract.case import Case
from bnconform.contract.dtypes import DTYPES
from bnconform.contract.implementation import Described, Implementation
from bnconform.contract.outcome import Outcome
from bnconform.contract.reply import Reply
from bnconform.engine.runner import Runner
from bnconform.engine.target import Target
from bnconform.host.server import answer
from bnconform.oracle.bounds.ratios import ratios
from bnconform.oracle.expected import outputs

NAME = "planted.batch_norm"
BY_NAME = {one.name: one for one in FAULTS}
LOOKED_AT = 12
"""How many examples of each family say whether faults can be told apart."""


def _is_last(case: Case) -> bool:
    return case.x.ndim > 2 and case.axis % case.x.ndim == case.x.ndim - 1


def _has_negative_scale(case: Case) -> bool:
    return case.gamma is not None and bool((case.gamma.astype(np.float64) < 0).all())


CONDITIONS: dict[str, Callable[[Case], bool]] = {
    "only where x has 4 axes": lambda case: case.x.ndim == 4,
    "only where x has more than two axes and channels last": _is_last,
    "only where a channel has more than 64 values": lambda case: case.rows > 64,
    "only where γ is negative": _has_negative_scale,
    "only in bfloat16": lambda case: case.dtype == "bfloat16",
}
"""Conditions behind which a fault is planted, by the words in which a defect tells them."""


@dataclass(frozen=True)
class Planting:
    """What is planted: the names of one or two faults, the dtypes that are judged, and a condition; empty:
    everywhere."""

    faults: tuple[str, ...]
    dtypes: tuple[str, ...]
    where: str = ""

    @property
    def fault(self) -> Fault:
        """The fault that all of them make together."""
        first, *others = (BY_NAME[name] for name in self.faults)
        return both(first, others[0]) if others else first


class _Host:
    """The part of a host that a Runner needs, in this process."""

    def __init__(self, implementation: Implementation) -> None:
        self.timeout, self._implementation = 60.0, implementation

    def run(self, name: str, case: Case) -> Reply:
        """Returns the answer to a case."""
        return answer(self._implementation, case, __file__)

    def close(self) -> None:
        """Ends nothing: there is no process."""


def planted(one: Planting, dtype: str) -> tuple[Target, Runner]:
    """Returns the implementation that has what is planted, in one dtype, and what asks it."""
    wrong, holds, asked = one.fault, CONDITIONS.get(one.where), set[int]()

    def run(case: Case) -> Outcome:
        meant = {"eps": case.default_eps, "momentum": case.default_momentum}
        documented = {name: getattr(SETTINGS, f"default_{name}") for name, asks in meant.items() if asks}
        has = wrong if holds is None or holds(case) else RIGHT
        return perform(has, replace(case, **documented), asked=asked)

    about = Implementation(
        name=NAME, run=run, dialect=DIALECT, dtypes=frozenset(DTYPES), features=FEATURES, settings=SETTINGS
    )
    host = _Host(about)
    target = Target(implementation=Described.of(about), dtype=dtype)
    return target, Runner.of(target, lambda: host)


def alone(faults: Sequence[Fault], dtypes: Sequence[str], sample: int | None, seed: int) -> list[Planting]:
    """Returns every fault in every dtype, or so many of them at random."""
    every = [Planting((one.name,), (dtype,)) for one in faults for dtype in dtypes if dtype in one.dtypes]
    return every if sample is None else random.Random(seed).sample(every, min(sample, len(every)))


def in_pairs(faults: Sequence[Fault], dtypes: Sequence[str], sample: int, seed: int) -> list[Planting]:
    """Returns so many pairs of faults at random; none where there are not two faults."""
    return list(islice(_pairs(faults, dtypes, random.Random(seed)), sample)) if len(faults) > 1 else []


def _pairs(faults: Sequence[Fault], dtypes: Sequence[str], chance: random.Random) -> Iterator[Planting]:
    for _ in range(10_000):
        (one, other), dtype = chance.sample(faults, 2), chance.choice(dtypes)
        if dtype in one.dtypes and dtype in other.dtypes and are_two(one, other, dtype):
            yield Planting((one.name, other.name), (dtype,))


def are_two(one: Fault, other: Fault, dtype: str) -> bool:
    """Returns whether drawn cases tell both faults together from each of them."""
    if one.formulas.keys() & other.formulas.keys():
        return False
    pair, cases = both(one, other), _cases(dtype)
    try:
        shapes = [{name: array.shape for name, array in values(each, cases[0]).items()} for each in (pair, RIGHT)]
        return shapes[0] == shapes[1] and all(any(_differ(pair, part, case) for case in cases) for part in (one, other))
    except CircularFormulas:
        return False


def behind_conditions(faults: Sequence[Fault], sample: int, seed: int) -> list[Planting]:
    """Returns so many faults at random, each behind one of the conditions in turn."""
    chance, found = random.Random(seed), list[Planting]()
    shuffled = {where: iter(chance.sample(faults, len(faults))) for where in CONDITIONS}
    while len(found) < sample and shuffled:
        for where, order in list(shuffled.items()):
            dtypes = ("float32", "bfloat16") if where == "only in bfloat16" else ("float32",)
            fit = (one for one in order if set(dtypes) <= set(one.dtypes) and _shows(one, dtypes, CONDITIONS[where]))
            one = next(fit, None)
            if one is None:
                del shuffled[where]
            elif len(found) < sample:
                found.append(Planting((one.name,), dtypes, where))
    return found


def _shows(fault: Fault, dtypes: Sequence[str], holds: Callable[[Case], bool]) -> bool:
    """Returns whether a fault would show both where a condition holds and where it does not."""
    cases = [case for dtype in dtypes for mode in MODES for case in design(Traits(dtype=dtype), mode)]
    sides = [case for case in cases if holds(case)], [case for case in cases if not holds(case)]
    return all(any(_differ(fault, RIGHT, case) for case in side) for side in sides)


@cache
def _cases(dtype: str) -> list[Case]:
    return [case for family in POWERED for case in drawn_of(family, dtype, LOOKED_AT)]


def _differ(one: Fault, other: Fault, case: Case) -> bool:
    """Returns whether two faults give a case values that are further apart than rounding may bring them."""
    mine, theirs = values(one, case, asked=set()), values(other, case, asked=set())
    for name, _, within in outputs(case, DIALECT):
        if name in mine:
            with np.errstate(all="ignore"):
                same = (mine[name] == theirs[name]) | (np.isnan(mine[name]) & np.isnan(theirs[name]))
                apart = ratios(np.where(same, 0.0, mine[name] - theirs[name]), within.allowance)
            if (apart > NEEDED)[np.isfinite(np.broadcast_to(within.allowance, apart.shape))].any():
                return True
    return False
