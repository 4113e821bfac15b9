"""Shown: one of the cases that a spec asked, and the output of it that is furthest from right.

Rules: a statement on several runs, on a changed case or on a chain of steps is broken by single answers that are wrong:
the worst of them is shown, beside what the reference says of that very case; an exception is shown by the case that
raised it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from bnconform.analysis.diagnosis.matching import Exhibit
from bnconform.contract.axes import to_rows
from bnconform.contract.case import Case
from bnconform.contract.reply import Raised, Reply
from bnconform.engine.shrink import reduced, rows_axis
from bnconform.oracle.reference.reductions import Array

LARGEST = 64
"""How many values x may hold to be shown whole."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Shown:
    """A case as it was asked, and what was wrong with its answer.

    output: the name of the output; empty where the case raised. index: where the worst element stands. actual,
    expected, allowance: the output, what it should be and how far rounding may lead, in float64.
    """

    case: Case
    output: str = ""
    index: tuple[int, ...] = ()
    actual: Array | None = None
    expected: Array | None = None
    allowance: Array | None = None


def worst_of(exhibits: Sequence[Exhibit]) -> Shown | None:
    """Returns the output furthest from right among all answers; None where each is right by itself."""
    pairs = [(exhibit, output) for exhibit in exhibits for output in sorted(exhibit.odd)]
    worst = max(pairs, key=lambda pair: pair[0].ratios[pair[1]].max(), default=None)
    if worst is None:
        return None
    exhibit, output = worst
    ratios, evidence = exhibit.ratios[output], exhibit.evidence
    found = Shown(
        case=evidence.case,
        output=output,
        index=tuple(int(i) for i in np.unravel_index(int(ratios.argmax()), ratios.shape)),
        actual=evidence.outputs[output],
        expected=np.asarray(exhibit.right(output)),
        allowance=evidence.allowance(output),
    )
    # A channel of a layer's weight is no layer of its own where it is one of a group.
    whole = evidence.case.x.size <= LARGEST or evidence.case.layer is not None
    return found if whole else _one_channel(found)


def _one_channel(shown: Shown) -> Shown:
    """Returns the channel of the worst element alone, since each channel is normalized by itself."""
    case, channel = shown.case, shown.index[shown.case.axis if len(shown.index) > 1 else 0]
    small = reduced(case, channel, list(range(case.rows)), None)

    def part(array: Array | None) -> Array | None:
        if array is None or array.ndim < case.x.ndim:
            return None if array is None else array[channel : channel + 1]
        return to_rows(np.broadcast_to(array, case.x.shape), case.axis)[:, channel].reshape(small.x.shape)

    row = 0
    if len(shown.index) > 1:
        places = to_rows(np.arange(case.x.size).reshape(case.x.shape), case.axis)[:, channel]
        row = int(np.flatnonzero(places == np.ravel_multi_index(shown.index, case.x.shape))[0])
    index = tuple(row * (axis == rows_axis(small)) for axis in range(small.x.ndim)) if len(shown.index) > 1 else (0,)
    return Shown(
        case=small,
        output=shown.output,
        index=index,
        actual=part(shown.actual),
        expected=part(shown.expected),
        allowance=part(shown.allowance),
    )


def raising(replies: Iterable[tuple[Case, Reply]]) -> Shown | None:
    """Returns the case that raised; None where none did."""
    return next((Shown(case=case) for case, reply in replies if isinstance(reply, Raised)), None)
