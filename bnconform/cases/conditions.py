"""Conditions under which a statement is asked of a case: its rank, its dtype, its size, the layer before.

Rules: a condition changes nothing of what is drawn, so that statements under different conditions share one search.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from bnconform.contract.case import Case
from bnconform.contract.checks import LAYERS
from bnconform.contract.dtypes import DTYPES

RANKS = range(2, 65)  # NumPy has no more axes


@dataclass(frozen=True, kw_only=True)
class Condition:
    """What a case must be like for a statement to be asked of it.

    ranks: of x. dtypes: of x. examples, rows: the least length of the first axis, and the least number of values in a
    channel. layers: what the layer before is, where the case has one. grouped: whether that is in groups; None: either.
    why: the reason, in a sentence, for leaving out every other case.
    """

    ranks: Collection[int] = RANKS
    dtypes: Collection[str] = DTYPES
    examples: int = 0
    rows: int = 0
    layers: Collection[str | None] = (None, *LAYERS)
    grouped: bool | None = None
    why: str = ""

    def admits(self, case: Case) -> bool:
        """Returns whether the statement is asked of a case."""
        fits = case.x.ndim in self.ranks and case.dtype in self.dtypes
        follows = case.layer in self.layers and self.grouped in (None, case.groups is not None)
        return fits and follows and len(case.x) >= self.examples and case.rows >= self.rows


ALWAYS = Condition()
"""The condition of a statement that is asked of every case."""
