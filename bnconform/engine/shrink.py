"""Turns a case on which a spec is not kept into a witness: one channel, few values, short decimals.

Rules: a witness shows the same verdict, in the same quantity or by the same exception, as the case it came from, and
has values that differ where such a case can be found; Hypothesis searches and shrinks; a call that kills or stalls a
host is expensive, so for crashes and hangs a short ladder of ever larger cases is tried instead. Witnesses are judged
by the bounds for rows in any order.
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
    if seen.judged.verdict not in ("crashes", "hangs"):
        # Where all values are equal most faults look alike, so such a case is taken only where no other shows it.
        for admits in (_is_varied, _anything):
            found = _Search(seen, judge, admits).witness(small, seed, known)
            if found is not None:
                return found
    return next(filter(None, map(_Search(seen, judge, _anything).tried_on, _ladder(seen.case))), seen)


class _Search:
    """A search for a smaller case that shows the same as `seen`, among those that `admits` lets pass."""

    def __init__(self, seen: Seen, judge: Judge, admits: Callable[[Case], bool]) -> None:
        self._seen, self._judge, self._admits = seen, judge, admits
        self._found: list[Seen] = []

    def tried_on(self, case: Case) -> Seen | None:
        """Returns the case with its judgement where it shows the same."""
        if not self._admits(case):
            return None
        judged = self._judge(case)
        if judged.marks != self._seen.judged.marks:
            return None
        self._found.append(Seen(case, judged))
        return self._found[-1]

    def witness(self, small: Sequence[st.SearchStrategy[Case]], seed: int, known: Iterable[Case]) -> Seen | None:
        """Returns the smallest case that was found; None where none was."""
        for case in known:
            if (shown := self.tried_on(case)) is not None:
                return shown
        seen, channel = self._seen, _channel_of(self._seen)
        rows = st.lists(st.integers(0, seen.case.rows - 1), min_size=1, max_size=MOST_VALUES, unique=True)
        own = st.builds(reduced, st.just(seen.case), st.just(channel), rows, st.integers(1, 8))
        for strategy in (*small[:1], own, *small[1:]):
            found = _smallest(strategy, lambda case: self.tried_on(case) is not None, seed)
            if found is not None:
                self.tried_on(found)  # anew; what it showed before is kept where this time it does not
                return self._found[-1]
            if self._found:  # Hypothesis met a reply that does not repeat: keep the smallest case that did show it
                return min(self._found, key=lambda one: one.case.x.size)
        return self.tried_on(reduced(seen.case, channel, list(range(seen.case.rows)), None))


def _anything(case: Case) -> bool:
    return True


def _is_varied(case: Case) -> bool:
    """Returns whether some channel has values that differ."""
    rows = to_rows(case.x, case.axis).astype(np.float64)
    return bool(rows.size and (rows != rows[0]).any())


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
    """Returns the channel of the worst element; the first where its index is of an output of another shape."""
    worst = seen.judged.worst
    index = () if worst is None or worst.index is None else worst.index
    if len(index) not in (1, seen.case.x.ndim):
        return 0
    channel = index[0] if len(index) == 1 else index[seen.case.axis]
    return channel if channel < seen.case.channels else 0


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
