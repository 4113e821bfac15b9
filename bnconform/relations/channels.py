"""Cases in which some channels were changed and the others were not: channels are problems of their own.

Rules: the channels of even index stay as they were; each variant is made once per case, and carries no cotangent but
that of a channel alone.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from bnconform.contract.axes import along, from_rows, to_rows
from bnconform.contract.case import PER_CHANNEL, Case
from bnconform.relations.followups import followup


def unchanged(case: Case) -> np.ndarray:
    """Returns where x stands in a channel that these variants leave alone; nowhere if no channel is changed."""
    even = (np.arange(case.channels) % 2 == 0) & (case.channels > 1)
    return along(even, case.x.ndim, case.axis)


@followup
def alone(case: Case) -> Case:
    """Returns the case of its first channel, with its cotangent."""
    vectors: dict[str, Any] = {name: getattr(case, name) for name in PER_CHANNEL}
    first: dict[str, Any] = {name: None if vector is None else vector[:1] for name, vector in vectors.items()}
    dy = None if case.dy is None else np.take(case.dy, [0], axis=case.axis)
    return replace(case, x=np.take(case.x, [0], axis=case.axis), dy=dy, **first)


@followup
def zeroed(case: Case) -> Case:
    """Returns the case with every value of each second channel set to zero."""
    rows = to_rows(case.x, case.axis).copy()
    rows[:, 1::2] = 0
    return replace(case, x=from_rows(rows, case.x.shape, case.axis), dy=None)


@followup
def spoilt(case: Case) -> Case:
    """Returns the case with a NaN or an infinity as the first value of each second channel, in turn."""
    rows = to_rows(case.x, case.axis).copy()
    rows[0, 1::4] = np.nan
    rows[0, 3::4] = np.inf
    return replace(case, x=from_rows(rows, case.x.shape, case.axis), dy=None)


@followup
def turned(case: Case) -> Case:
    """Returns the case with its channels, and all that belongs to them, in reverse order."""
    vectors: dict[str, Any] = {name: getattr(case, name) for name in PER_CHANNEL}
    flipped: dict[str, Any] = {name: None if vector is None else vector[::-1] for name, vector in vectors.items()}
    return replace(case, x=np.flip(case.x, case.axis), dy=None, **flipped)
