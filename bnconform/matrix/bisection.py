"""Bisection over released versions: between which two the answer changes, where some versions give none.

Rules: nothing is concluded from a version that gives no answer; it is stepped around and told. A version is asked once.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Change:
    """Where an answer changes. last: the latest version that is known to answer as the first did; first: the earliest
    known to answer otherwise; silent: versions between them that gave no answer, so that it may be one of them."""

    last: str
    first: str
    silent: tuple[str, ...] = ()


def bisect(versions: Sequence[str], ask: Callable[[str], bool | None]) -> Change | None:
    """Returns where the answer of versions, the oldest first, changes from that of the first to that of the last that
    answer; None where these are the same, or fewer than two answer. ask: None where there is no answer."""
    known: dict[int, bool | None] = {}

    def answer(place: int) -> bool | None:
        if place not in known:
            known[place] = ask(versions[place])
        return known[place]

    low = next((place for place in range(len(versions)) if answer(place) is not None), None)
    high = next((place for place in reversed(range(len(versions))) if answer(place) is not None), None)
    if low is None or high is None or known[low] == known[high]:
        return None
    while True:
        # From the middle outwards, so that versions without an answer cost as little as they can.
        middle = (low + high) / 2
        inside = sorted((place for place in range(low + 1, high) if known.get(place, True) is not None),
                        key=lambda place: (abs(place - middle), place))  # fmt: skip
        found = next((place for place in inside if answer(place) is not None), None)
        if found is None:
            return Change(versions[low], versions[high], tuple(versions[low + 1 : high]))
        low, high = (found, high) if known[found] == known[low] else (low, found)
