"""Turns a case on which a spec is not kept into a witness: one channel, few values, short decimals.

Rules: a witness bears the marks of the case it came from, and never by an error that the Dialect declares; its values
differ unless no such case shows the failure, since most faults look alike where all are equal, or where there is one
alone. Hypothesis searches and shrinks; a call that kills or stalls a host is expensive, so for crashes and hangs a
short ladder of ever larger cases is tried instead. Witnesses are judged by the bounds for rows in any order.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
from hypothesis import HealthCheck, Phase, find, settings
from hypothesis import strategies as st
from hypothesis.errors import Flaky, NoSuchExample, Unsatisfiable

from bnconform.cases import layers
from bnconform.cases.sharing import alike
from bnconform.cases.small import MOST_VALUES
from bnconform.contract.axes import to_rows
from bnconform.contract.case import FEATURES, PER_CHANNEL, Case
from bnconform.contract.dialect import Dialect
from bnconform.contract.reply import Raised
from bnconform.engine.agreement import Judgement
from bnconform.engine.reproducible import by_the_seed_alone
from bnconform.engine.tally import Seen
from bnconform.engine.witnesses.marks import marks_of

PAPER = Dialect()
SEARCHES = 100
"""Cases that are drawn from each strategy before the next is tried."""
VARIED, EQUAL, SINGLE = range(3)
"""Grades of cases, the most telling first: values that differ, several equal ones, one value per channel or none."""
Judge = Callable[[Case], Judgement]


def witness(
    seen: Seen,
    judge: Judge,
    small: Sequence[st.SearchStrategy[Case]],
    seed: int,
    known: Iterable[Case] = (),
    *,
    dialect: Dialect = PAPER,
) -> Seen:
    """Returns the smallest case found that shows the same as `seen`; `seen` itself where no smaller one does.

    judge: judges a case. small: strategies of human-readable cases, the most readable first. known: witnesses of other
    specs, tried before any search. dialect: the one that the implementation declares.
    """
    search = _Search(seen, judge, dialect)
    if seen.judged.verdict in ("crashes", "hangs"):
        return next(filter(None, map(search.shown_by, _ladder(seen.case))), seen)
    for case in known:
        if (found := search.shown_by(case)) is not None:
            return found
    for allowed in range(grade(seen.case, np.any), SINGLE + 1):
        found = search.smallest_of(allowed, small, seed)
        if found is not None:
            return found
    return seen


def grade(case: Case, of: Callable[[np.ndarray], np.bool_] = np.all) -> int:
    """Returns how telling the values of a case are, VARIED, EQUAL or SINGLE, of all its channels or of any."""
    if case.rows < 2:
        return SINGLE
    rows = to_rows(case.x, case.axis).astype(np.float64)
    return VARIED if of((rows != rows[0]).any(axis=0)) else EQUAL


class _Search:
    """A search for a smaller case that shows the same as `seen`."""

    def __init__(self, seen: Seen, judge: Judge, dialect: Dialect) -> None:
        self._seen, self._judge = seen, judge
        self._marks = marks_of(seen.judged)
        self._refusing = dialect.single_value == "raises" and seen.case.rows > 1
        self._found: list[Seen] = []

    def shown_by(self, case: Case) -> Seen | None:
        """Returns the case with its judgement where it shows the same."""
        judged = self._judge(case)
        if marks_of(judged) != self._marks:
            return None
        if self._refusing and case.rows < 2 and isinstance(judged.reply, Raised):
            return None  # declared of a single value, and no sign of what several show
        self._found.append(Seen(case, judged))
        return self._found[-1]

    def smallest_of(self, allowed: int, small: Sequence[st.SearchStrategy[Case]], seed: int) -> Seen | None:
        """Returns the smallest case of that grade; None where none was found."""
        case, channel = self._seen.case, _channel_of(self._seen)

        def shows(one: Case) -> bool:
            return grade(one) == allowed and self.shown_by(one) is not None

        few, some = partial(_some_of, case.rows), _some_of(case.rows, 1, MOST_VALUES)
        rows = few(2, 2) | few(4, 4) if case.shards else some  # on several replicas each number of rows may be compiled
        own = st.builds(reduced, st.just(case), st.just(channel), rows, st.integers(1, 8))
        for strategy in (*small[:1], own, *small[1:]):
            found = _smallest(strategy, shows, seed)
            if found is not None:
                self.shown_by(found)  # anew; what it showed before is kept where this time it does not
                return self._found[-1]
            if self._found:  # Hypothesis met a reply that does not repeat: keep the smallest case that did show it
                return min(self._found, key=lambda one: one.case.x.size)
        whole = reduced(case, channel, list(range(case.rows)), None)
        return self._found[-1] if shows(whole) else None


def _some_of(rows: int, least: int, most: int) -> st.SearchStrategy[list[int]]:
    """Returns the strategy of so many different rows; of all of them, where there are not so many."""
    return st.lists(st.integers(0, rows - 1), min_size=min(least, rows), max_size=most, unique=True)


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
    if case.layer is not None:  # a single channel has no groups, and no axis to be mistaken for another
        return layers.rounded(case, digits)
    shape = [1] * case.x.ndim
    shape[rows_axis(case)] = len(rows)

    def rounded(values: np.ndarray) -> np.ndarray:
        wide = values.astype(np.float64)
        return (wide if digits is None else np.round(wide, digits)).astype(values.dtype)

    def tensor(values: np.ndarray) -> np.ndarray:
        column = to_rows(values, case.axis)[rows, channel]
        return rounded(column).reshape(shape)

    changed: dict[str, Any] = {"x": tensor(case.x), "shuffled": False, "shards": alike(case.shards, len(rows))}
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
