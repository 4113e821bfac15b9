"""A `map` over processes side by side."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from typing import Any

TASKS = 50
"""How many tasks a process does before a fresh one takes its place: what each keeps of its cases adds up."""


@contextlib.contextmanager
def side_by_side(workers: int) -> Iterator[Callable[..., Iterable[Any]]]:
    """Yields a `map` over so many processes; one is this one. Others are spawned, as a fork would copy locks."""
    if workers == 1:
        yield map
        return
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn"), max_tasks_per_child=TASKS) as pool:
        yield pool.map
