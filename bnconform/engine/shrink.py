"""Turns a case on which a spec is not kept into a witness: one channel, few values, short decimals.

Rules: a witness shows the same verdict for the same reason as the case it came from; Hypothesis searches and shrinks;
a call that kills or stalls a host is expensive, so for crashes and hangs a short ladder of ever larger cases is tried
instead. Witnesses are judged by the bounds for rows in any order.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from hypothesis import HealthCheck, Phase, find, settings
from hypothesis import strategies as st
from hypothesis.errors import Flaky, NoSuchExample, Unsatisfiable

from bnconform.cases.small import MOST_VALUES
from bnconform.contract.axes import to_rows
from bnconform.contract.case import FEATURES, PER_CHANNEL, Case
from bnconform.contract.dtypes import dtype_named
from bnconform.engine.agreement import Judgement
from bnconform.engine.reproducible import by_the_seed_alone
from bnconform.engine.tally import Seen

SEARCHES = 100


Judge = Callable[[Case], Judgement]


def witness(
    seen: Seen, judge: Judge, small: Sequence[st.SearchStrategy[Case]], seed: int, known: Iterable[Case] = ()
) -> Seen:
    """Returns the smallest case found that shows the same as `seen`; `seen` itself where no smaller one does.

    judge: judges a case. small: strategies of human-readable cases, the most readable first. known: witnesses of other
    specs, tried before any search.
    """
    tried: list[Seen] = []

    def shows_the_same(case: Case) -> bool:
        judged = judge(case)
        if judged.signature != seen.judged.signature:
            return False
        tried.append(Seen(case, judged))
        return True

    if any(shows_the_same(case) for case in known):
        return tried[-1]
    if seen.judged.verdict in ("crashes", "hangs"):
        return next((tried[-1] for case in _ladder(seen.case) if shows_the_same(case)), seen)
    channel = _channel_of(seen)
    rows = st.lists(st.integers(0, seen.case.rows - 1), min_size=1, max_size=MOST_VALUES, unique=True)
    own = st.builds(reduced, st.just(seen.case), st.just(channel), rows, st.integers(1, 8))
    for strategy in (*small[:1], own, *small[1:]):
        found = _smallest(strategy, shows_the_same, seed)
        if found is not None:
            shows_the_same(found)  # anew; what it showed before is kept where this time it does not
            return tried[-1]
        if tried:  # Hypothesis met a reply that does not repeat: keep the smallest case that did show it
            return min(tried, key=lambda one: one.case.x.size)
    whole_channel = reduced(seen.case, channel, list(range(seen.case.rows)), None)
    return tried[-1] if shows_the_same(whole_channel) else seen


def _smallest(strategy: st.SearchStrategy[Case], holds: Callable[[Case], bool], seed: int) -> Case | None:
    rules = settings(
        max_examples=SEARCHES,
        database=None,
        deadline=None,
        phases=(Phase.generate, Phase.shrink),
        suppress_health_check=list(HealthCheck),
    )
    try:
        with by_the_seed_alone():
            return find(strategy, holds, settings=rules, random=random.Random(seed))
    except (NoSuchExample, Flaky, Unsatisfiable):
        return None


def _channel_of(seen: Seen) -> int:
    worst = seen.judged.worst
    if worst is None or worst.index is None:
        return 0
    return worst.index[0] if len(worst.index) == 1 else worst.index[seen.case.axis]


def rows_axis(case: Case) -> int:
    """Returns the axis on which a case of one channel has its rows: the first that the channel is not on."""
    return 0 if case.axis % case.x.ndim else 1


def reduced(case: Case, channel: int, rows: list[int], digits: int | None) -> Case:
    """Returns `case` with one channel and these rows of it, numbers rounded to so many decimals (None: as they are)."""
    dtype = dtype_named(case.dtype)
    shape = [1] * case.x.ndim
    shape[rows_axis(case)] = len(rows)

    def rounded(values: np.ndarray) -> np.ndarray:
        wide = values.astype(np.float64)
        return (wide if digits is None else np.round(wide, digits)).astype(dtype)

    def tensor(values: np.ndarray) -> np.ndarray:
        column = to_rows(values, case.axis)[rows, channel]
        return rounded(column).reshape(shape)

    changed: dict[str, Any] = {"x": tensor(case.x), "shuffled": False}
    for name in ("dy", *PER_CHANNEL, *(name for names in FEATURES.values() for name in names)):
        array = getattr(case, name)
        if isinstance(array, np.ndarray) and name != "mask":
            changed[name] = tensor(array) if array.ndim == case.x.ndim else rounded(array[channel : channel + 1])
    return replace(case, **changed)


def _ladder(case: Case) -> Iterator[Case]:
    few = list(range(min(2, case.rows)))
    yield reduced(case, 0, few, 1)
    if case.rows > 2:
        yield reduced(case, 0, list(range(min(MOST_VALUES, case.rows))), None)
    yield reduced(case, 0, list(range(case.rows)), None)
