"""The witnesses that failures of one family have been given, to be tried before a search for the next.

Rules: what breaks one statement often breaks forty, so a case that is at hand is tried first. A case that is large, or
whose values are equal, is tried only where the same failure was searched for, and that was all there is. They are of
one family, which is always judged whole, so that a witness follows from the seed alone, and neither from the worker
that found it nor from where a run was interrupted.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import NamedTuple

import numpy as np

from bnconform.cases.small import MOST_VALUES
from bnconform.contract.case import Case
from bnconform.engine.shrink import grade
from bnconform.engine.tally import Seen
from bnconform.engine.witnesses.marks import Marks, marks_of

MOST_TRIED = 8
"""How many cases are tried for one failure; whatever is wrong is mostly shown by the first that has its marks."""


class _Kept(NamedTuple):
    case: Case
    marks: Marks


class Witnesses:
    """The witnesses of one family, in the order in which they were found.

    most_values: a case of more is large; infinite where the size of a case is what matters.
    """

    def __init__(self, most_values: float = MOST_VALUES) -> None:
        self._most_values = most_values
        self._kept: list[_Kept] = []

    def keep(self, seen: Seen) -> None:
        """Remembers the witness of a statement."""
        marks = marks_of(seen.judged)
        if not any(one.case is seen.case and one.marks == marks for one in self._kept):
            self._kept.append(_Kept(seen.case, marks))

    def known(self, seen: Seen) -> list[Case]:
        """Returns cases to try for a failure: those with its marks first, then others.

        Where a reply came in place of an outcome only those with its marks: each call may cost a process.
        """
        return list(islice(self._fitting(seen), MOST_TRIED))

    def _fitting(self, seen: Seen) -> Iterator[Case]:
        marks, offered = marks_of(seen.judged), set[int]()
        same = [one for one in self._kept if one.marks == marks]
        telling = [one for one in self._kept if self._is_telling(one.case, seen.case)]
        outcomes = [one for one in telling if not one.marks.kind and seen.judged.reply is None]
        for one in (*same, *outcomes):
            if id(one.case) not in offered:
                offered.add(id(one.case))
                yield one.case

    def _is_telling(self, case: Case, beside: Case) -> bool:
        return case.x.size <= self._most_values and grade(case) <= grade(beside, np.any)
