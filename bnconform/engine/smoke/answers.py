"""An Answer is an Outcome beside the right values; each output is compared with these and with those of a slip.

Rules: two values are told apart by their bounds alone; where the intervals meet nothing is said, unless the output is
exactly the slip's value, as it is in most orders of summation.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from bnconform.contract.case import Case
from bnconform.contract.dialect import Dialect
from bnconform.contract.outcome import OUTPUTS, Outcome
from bnconform.oracle.bounds import Bound
from bnconform.oracle.expected import Expected, outputs
from bnconform.oracle.reference.reductions import Array


@dataclass(frozen=True, eq=False)
class Answer:
    """The answer to one case. found: the outputs, in float64. right: the right values, by name."""

    case: Case
    outcome: Outcome
    found: dict[str, Array]
    right: dict[str, Expected]

    @property
    def wrong(self) -> list[str]:
        """The names of the outputs that are not right."""
        return [name for name, values in self.found.items() if not _is_within(values, self.right[name])]

    def is_unchanged(self) -> bool:
        """Whether the returned arrays still hold the same values."""
        kept = {name: array.astype(np.float64) for name, array in _arrays(self.outcome).items() if name in self.found}
        return all(np.array_equal(self.found[name], array, equal_nan=True) for name, array in kept.items())

    def lies_at(self, name: str, slip: Expected) -> bool:
        """Returns whether an output is the slip's value and cannot be the right one."""
        values, right = self.found[name], self.right[name]
        if slip.value.shape != values.shape or np.array_equal(slip.value, right.value):
            return False
        if np.array_equal(values, slip.value):
            return True
        with np.errstate(all="ignore"):
            apart = np.abs(slip.value - right.value) > slip.within.allowance + right.within.allowance
        told = apart | (slip.value == right.value)
        return bool(told.all()) and _is_within(values, slip)

    def lies_near(self, name: str, slip: Expected) -> bool:
        """Returns whether an output may be the slip's value, even if it may also be the right one."""
        return slip.value.shape == self.found[name].shape and _is_within(self.found[name], slip)

    def first_difference(self, name: str) -> str:
        """Returns the place of the first wrong value of an output, that value and the right one."""
        values, right = self.found[name], self.right[name]
        with np.errstate(all="ignore"):
            off = ~(np.abs(values - right.value) <= right.within.allowance)
        place = tuple(int(i) for i in np.unravel_index(int(off.argmax()), off.shape))
        return f"{name}[{', '.join(map(str, place))}] is {values[place]:.9g}; expected {right.value[place]:.9g}"


def answer_of(case: Case, outcome: Outcome, dialect: Dialect) -> Answer:
    """Returns the Answer that `outcome` is, with copies of its arrays, which an adapter might go on using."""
    right = answers_to(case, dialect)
    found = {name: array.astype(np.float64) for name, array in _arrays(outcome).items() if name in right}
    return Answer(case, outcome, found, right)


def answers_to(case: Case, dialect: Dialect) -> dict[str, Expected]:
    """Returns what is right for `case`, by name."""
    return {one.name: one for one in outputs(case, dialect)}


def elsewhere(one: Expected, moved: Callable[[Array], Array]) -> Expected:
    """Returns an output with its values and bounds in other places."""
    return one._replace(value=moved(one.value), within=Bound(moved(one.within.allowance), moved(one.within.scale)))


def sum_of(one: Expected, other: Expected) -> Expected:
    """Returns the sum of two outputs, within the sum of their bounds."""
    return one._replace(value=one.value + other.value, within=one.within + other.within)


def _is_within(values: Array, one: Expected) -> bool:
    with np.errstate(all="ignore"):
        return bool(np.all((np.abs(values - one.value) <= one.within.allowance) | (values == one.value)))


def _arrays(outcome: Outcome) -> dict[str, np.ndarray]:
    given = {name: getattr(outcome, name) for name in OUTPUTS}
    return {name: array for name, array in given.items() if array is not None}
