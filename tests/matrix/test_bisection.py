"""Bisection finds the change wherever it lies, whatever gives no answer, and asks each version once."""

from __future__ import annotations

import itertools
import math

import pytest

from bnconform.matrix.bisection import Change, bisect

VERSIONS = [f"1.{place}" for place in range(8)]


@pytest.mark.parametrize("change", range(1, 8))
@pytest.mark.parametrize("silent", [set(), {3}, {2, 3, 4}, {0, 5}, {7}, {1, 3, 5}])
def test_the_change_lies_where_it_was_planted(change: int, silent: set[int]) -> None:
    asked: list[str] = []

    def ask(version: str) -> bool | None:
        asked.append(version)
        place = VERSIONS.index(version)
        return None if place in silent else place >= change

    answering = [place for place in range(8) if place not in silent]
    before, after = [place for place in answering if place < change], [place for place in answering if place >= change]
    found = bisect(VERSIONS, ask)
    if not before or not after:
        assert found is None
    else:
        between = tuple(VERSIONS[before[-1] + 1 : after[0]])
        assert found == Change(VERSIONS[before[-1]], VERSIONS[after[0]], between)
    assert len(asked) == len(set(asked))


def test_a_hundred_versions_cost_a_logarithm() -> None:
    count = itertools.count()

    def ask(version: str) -> bool:
        next(count)
        return int(version) >= 63

    assert bisect([str(place) for place in range(100)], ask) == Change("62", "63")
    assert next(count) <= 2 + math.ceil(math.log2(100))
