"""The smallest size at which a failure of a large case still shows: its witness is a case of that size.

Rules: a case of any layout can be made anew, so extents are searched and no array is cut; each extent, and the number
of channels, is halved by bisection while the failure shows the same; what shows only here and there may end a little
above the smallest size.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from bnconform.cases.sentinels import sentinels
from bnconform.cases.shapes import Layout
from bnconform.contract.case import Case
from bnconform.engine.agreement import Judgement
from bnconform.engine.tally import Seen
from bnconform.engine.witnesses.marks import marks_of

Judge = Callable[[Case], Judgement]
SEEDS = 2
"""How many cases of a size are tried before it is taken to be too small."""


def smallest_size(seen: Seen, judge: Judge, seed: int) -> Seen:
    """Returns the case of the smallest size found that shows the same as `seen`; `seen` itself where none smaller does.

    judge: judges a case. seed: that of the search.
    """
    best = seen
    layout = layout_of(seen.case)

    def shows(tried: Layout) -> bool:
        nonlocal best
        for more in range(SEEDS):
            case = _like(seen.case, tried, seed + more)
            judged = judge(case)
            if marks_of(judged) == marks_of(seen.judged):
                best = Seen(case, judged)
                return True
        return False

    layout = _fewest(layout, lambda one, count: replace(one, channels=count), layout.channels, 1, shows)
    for place in range(len(layout.extents)):
        least = 2 if len(layout.extents) == 1 else 1
        layout = _fewest(layout, _with_extent(place), layout.extents[place], least, shows)
    return best


def layout_of(case: Case) -> Layout:
    """Returns the layout of a case."""
    axis = case.axis % case.x.ndim
    extents = tuple(extent for place, extent in enumerate(case.x.shape) if place != axis)
    return Layout(extents, case.channels, 1 if axis == 1 else -1)


def _with_extent(place: int) -> Callable[[Layout, int], Layout]:
    def change(layout: Layout, extent: int) -> Layout:
        return replace(layout, extents=(*layout.extents[:place], extent, *layout.extents[place + 1 :]))

    return change


def _fewest(
    layout: Layout,
    change: Callable[[Layout, int], Layout],
    most: int,
    least: int,
    shows: Callable[[Layout], bool],
) -> Layout:
    """Returns the layout with the smallest number in that place that shows the same, found by bisection."""
    low, high = least - 1, most  # high shows it; low is not known to
    while high - low > 1:
        middle = least if low == least - 1 and high == most else (low + high) // 2
        if shows(change(layout, middle)):
            high = middle
        else:
            low = middle
    return change(layout, high)


def _like(case: Case, layout: Layout, seed: int) -> Case:
    made = sentinels(case.dtype, case.mode, layout=layout, settings=(case.eps, case.momentum), seed=seed)
    return made if case.dy is not None else replace(made, dy=None)
