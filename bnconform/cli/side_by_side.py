"""A `map` over processes side by side.

Rule: processes are replaced after some tasks, since what each keeps of its cases adds up; by a whole new pool, as one
that replaces its own (`max_tasks_per_child`) can wait for ever, https://github.com/python/cpython/issues/115634.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from itertools import islice
from multiprocessing import get_context
from typing import Any

TASKS = 50
"""How many tasks a process does, about."""


def side_by_side(workers: int) -> Callable[..., Iterable[Any]]:
    """Returns a `map` over so many processes; one is this one. Others are spawned, as a fork would copy locks."""
    if workers == 1:
        return map

    def mapped(function: Callable[[Any], Any], items: Iterable[Any]) -> Iterator[Any]:
        rest = iter(items)
        while block := list(islice(rest, workers * TASKS)):
            with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
                yield from pool.map(function, block)

    return mapped
