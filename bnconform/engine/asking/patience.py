"""What an implementation that crashes or hangs may cost: after a few calls it is asked no more, and the reply says so.

Rules: only where no call of the same dtype and mode, or of the same dtype, mode and kind of question, was ever answered
are further cases not asked; one answer opens them for good. Such a reply says after how many calls it was given. What
hangs now and then is waited for as long as MOST_WAITED says: no statement is begun after that.
"""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import replace

from bnconform.contract.case import Case
from bnconform.contract.outcome import Outcome
from bnconform.contract.reply import Crashed, Raised, Reply, TimedOut

ENOUGH = 3
"""Calls that ended badly, without any answer, after which no more are made."""
OF_ONE_RANK: dict[type, int] = {Crashed: 8, TimedOut: ENOUGH}
"""How many that are where all were of one rank: crashes cost little, so that another rank may still come."""
MOST_AGAIN = 60.0
"""Seconds that may be spent in one dtype on asking again what had hung and hangs again."""
MOST_WAITED = 180.0
"""Seconds that calls which hang may take in one dtype, before no further statement is begun."""
LEAST = 5.0
"""Seconds that a case is given at least, after another one has hung."""
Bad = Crashed | TimedOut


class Patience:
    """The patience with one implementation. lowered: the limit of a call once one has hung, in seconds; else None."""

    def __init__(self) -> None:
        self.lowered: float | None = None
        self._first: float | None = None
        self._slowest, self._hangs = 0.0, 0
        self._answered: set[Hashable] = set()
        self._bad: dict[Hashable, list[tuple[int, Bad]]] = {}
        self._given_up: dict[Hashable, Bad] = {}
        self._again: dict[str, float] = {}
        self._waited: dict[str, list[float]] = {}

    def limit(self, full: float, *, again: bool = False) -> float:
        """Returns the seconds for a call. again: it is the same case, in a fresh host, which may have to compile: where
        nothing but this case has hung, it has longer for that."""
        if self.lowered is None:
            return full
        return min(full, max(self.lowered, full / 6) if again and self._hangs == 1 else self.lowered)

    def note(self, case: Case, reply: Reply, seconds: float, *, again: bool = False) -> None:
        """Takes note of a call."""
        if isinstance(reply, Outcome):
            if self._first is None:
                self._first = seconds
            else:
                self._slowest = max(self._slowest, seconds)
        if isinstance(reply, TimedOut):
            self._hangs += 1
            self._waited.setdefault(case.dtype, []).append(seconds)
            if self.lowered is None:
                self.lowered = max(LEAST, 20 * self._slowest, 3 * (self._first or 0.0))
            if again:
                self._again[case.dtype] = self._again.get(case.dtype, 0.0) + seconds
        for kind in _kinds(case):
            if isinstance(reply, Outcome | Raised):
                self._answered.add(kind)
                self._bad.pop(kind, None)
                self._given_up.pop(kind, None)
            elif isinstance(reply, Crashed | TimedOut) and kind not in self._answered:
                self._bad.setdefault(kind, []).append((case.x.ndim, reply))

    def lost(self, dtype: str) -> str | None:
        """Returns in words what calls that hung have cost in a dtype, where no further statement is begun for that."""
        waited = self._waited.get(dtype, [])
        if sum(waited) < MOST_WAITED:
            return None
        return f"{len(waited)} calls in {dtype} hung, {sum(waited):.0f} s in all, and it is asked no more"

    def believes(self, case: Case, reply: Reply) -> bool:
        """Returns whether a bad reply needs no second call: no call of such cases gave anything else, or the time for
        that is spent."""
        if isinstance(reply, TimedOut) and self._again.get(case.dtype, 0.0) > MOST_AGAIN:
            return True
        before = (self._bad.get(kind, []) for kind in _kinds(case))
        return any(len(bad) > 2 and all(type(one) is type(reply) for _, one in bad) for bad in before)

    def given_up(self, case: Case) -> Reply | None:
        """Returns the reply to a case that is not asked any more; None for one that is."""
        for kind in _kinds(case):
            if kind not in self._given_up and self._is_hopeless(kind):
                bad = self._bad[kind]
                self._given_up[kind] = replace(bad[0][1], shown=1, asked=1, before=len(bad))
            if kind in self._given_up:
                return self._given_up[kind]
        return None

    def _is_hopeless(self, kind: Hashable) -> bool:
        bad = self._bad.get(kind, [])
        several = len({rank for rank, _ in bad}) > 1
        return bool(bad) and len(bad) >= (ENOUGH if several else OF_ONE_RANK[type(bad[0][1])])


def _kinds(case: Case) -> tuple[Hashable, Hashable]:
    """Returns what a case has in common with others: dtype and mode, and the kind of question as well."""
    wide = (case.dtype, case.mode)
    return wide, (*wide, case.needs, case.dy is None, case.memory, case.x.ndim)
