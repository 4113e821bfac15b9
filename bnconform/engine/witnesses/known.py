"""The witnesses that failures of one target have been given, to be tried before a search for the next.

Rules: what breaks one statement often breaks forty, so a case that is at hand is tried first. It is tried only as a
case of the family in question, without what that one's cases lack, and never where it lacks what they have. A case that
is large, or whose values are equal, is tried only where the same failure was searched for in the same family, and that
was all there is. Which are tried follows from what was found before, so that equal runs have equal witnesses.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import islice
from typing import Any, NamedTuple

import numpy as np

from bnconform.cases.delivery import Manner
from bnconform.cases.small import MOST_VALUES
from bnconform.cases.strategies import Given
from bnconform.contract.case import Case
from bnconform.engine.shrink import grade
from bnconform.engine.tally import Seen
from bnconform.engine.witnesses.marks import Marks, marks_of

MOST_TRIED = 8
"""How many cases are tried for one failure; whatever is wrong is mostly shown by the first that has its marks."""
ADDED: dict[Manner, dict[str, bool]] = {"plain": {}, "watched": {"watched": True}, "uncompiled": {"eager": True}}
"""The manners in which a plain case can be delivered as it is, and the fields that ask for them."""


class _Kept(NamedTuple):
    case: Case
    given: Given
    marks: Marks


class Witnesses:
    """The witnesses of one target, in the order in which they were found."""

    def __init__(self) -> None:
        self._kept: list[_Kept] = []

    def keep(self, seen: Seen, given: Given) -> None:
        """Remembers the witness of a statement that is given such cases."""
        marks = marks_of(seen.judged)
        if not any(one.case is seen.case and one.marks == marks for one in self._kept):
            self._kept.append(_Kept(seen.case, given, marks))

    def known(self, seen: Seen, given: Given) -> list[Case]:
        """Returns cases of a family to try for a failure: those with its marks first, then those of the same family.

        Where a reply came in place of an outcome only those with its marks: each call may cost a process.
        """
        return list(islice(self._fitting(seen, given), MOST_TRIED))

    def _fitting(self, seen: Seen, given: Given) -> Iterator[Case]:
        marks, offered = marks_of(seen.judged), set[int]()
        same = [one for one in self._kept if one.marks == marks and one.given == given]
        alike = [one for one in self._kept if one.marks == marks and _is_telling(one.case, seen.case)]
        family = [one for one in self._kept if one.given == given and _is_telling(one.case, seen.case)]
        outcomes = [one for one in family if not one.marks.kind and seen.judged.reply is None]
        for one in (*same, *alike, *outcomes):
            case = None if id(one.case) in offered else fitted(one.case, one.given, given)
            offered.add(id(one.case))
            if case is not None:
                yield case


def _is_telling(case: Case, beside: Case) -> bool:
    return case.x.size <= MOST_VALUES and grade(case) <= grade(beside, np.any)


def fitted(case: Case, of: Given, given: Given) -> Case | None:
    """Returns a case of one family as a case of another; None where it lacks what that family's cases have."""
    if of == given:
        return case
    batches = "constant" not in (of.channels, given.channels)  # else their values are equal, or need not be
    if (of.mode, of.rows, of.derivatives, of.manner) != (given.mode, given.rows, given.derivatives, "plain"):
        return None
    lacks = (given.gradients and case.dy is None) or (given.statistics and case.running_mean is None)
    if lacks or not batches or given.manner not in ADDED:
        return None
    changed: dict[str, Any] = dict(ADDED[given.manner])
    changed |= {} if given.gradients else {"dy": None}
    changed |= {} if given.statistics else {"running_mean": None, "running_var": None}
    return replace(case, **changed)
