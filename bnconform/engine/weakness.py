"""A declared weakness: an algorithm that loses digits which a careful one keeps, such as a variance in one pass.

Rules: a value within the bound of the careful algorithm conforms; one that is only within the bound of the declared
algorithm deviates, and the field that admits it is named; a Dialect that declares no such algorithm changes nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from bnconform.contract.dialect import Dialect
from bnconform.engine.agreement import Agreement, unless_declared

CAREFUL: dict[str, Any] = {"variance": "two-pass", "backward": "centred", "rounded_branches": False}
"""The fields of a Dialect that name an algorithm, and the careful choice of each."""


def weak_fields(dialect: Dialect) -> tuple[str, ...]:
    """Returns the fields by which a Dialect declares an algorithm that loses digits."""
    return tuple(name for name, careful in CAREFUL.items() if getattr(dialect, name) != careful)


def unless_weak(compare: Callable[[Dialect], Agreement], dialect: Dialect) -> Agreement:
    """Returns the comparison within the bound of careful algorithms; beside it, where the Dialect declares another, the
    one within that algorithm's bound.

    compare: compares the same values within the bound of a Dialect.
    """
    weak = weak_fields(dialect)
    found = compare(dialect)
    if not weak or found.missing is not None or not found.compared or found.ratio > 1:
        return found
    paper = compare(_careful(dialect, weak))
    if paper.ratio <= 1:
        return paper
    one_by_one = ((name, compare(_careful(dialect, (name,)))) for name in weak) if len(weak) > 1 else ()
    admitting = next((name for name, narrowed in one_by_one if narrowed.ratio > 1), weak[0])
    return unless_declared(paper, admitting, found)


_MADE: dict[tuple[int, tuple[str, ...]], tuple[Dialect, Dialect]] = {}
"""A Dialect holds links and has no hash; there are as many as targets, and each is kept with what was made of it."""


def _careful(dialect: Dialect, fields: tuple[str, ...]) -> Dialect:
    """Returns the Dialect with the careful choice of these fields, one object, as bounds are remembered by it."""
    key = id(dialect), fields
    known = _MADE.get(key)
    if known is None or known[0] is not dialect:
        known = _MADE[key] = dialect, replace(dialect, **{name: CAREFUL[name] for name in fields})
    return known[1]
