"""A map over processes gives what the map of this one gives, in its order, and over processes of bounded use."""

from __future__ import annotations

import os

import pytest

from bnconform.cli import side_by_side as module
from bnconform.cli.side_by_side import side_by_side


@pytest.mark.parametrize("workers", [1, 2])
def test_it_gives_all_in_order(workers: int) -> None:
    assert list(side_by_side(workers)(abs, iter(range(-7, 0)))) == [7, 6, 5, 4, 3, 2, 1]
    assert list(side_by_side(workers)(abs, [])) == []


def test_processes_are_replaced(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "TASKS", 1)
    found = list(side_by_side(2)(process, range(6)))
    assert len(set(found)) >= 3  # one of two may do both tasks of a block
    assert os.getpid() not in found


def process(_: int) -> int:
    return os.getpid()
