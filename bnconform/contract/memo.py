"""A memory of what was made of a Case: it is made once, and forgotten with the Case.

Rules: the first argument, a Case or the Subject that answers cases, is held weakly, so what is made must not hold it;
the further ones are told apart by identity and are kept as long, so that their ids stay their own.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, TypeVar, cast
from weakref import WeakKeyDictionary

Make = TypeVar("Make", bound=Callable[..., Any])


def once(make: Make) -> Make:
    """Calls `make` once for each first argument and further ones, all of them positional."""
    made: WeakKeyDictionary[Any, dict[tuple[int, ...], tuple[Any, Any]]] = WeakKeyDictionary()

    @wraps(make)
    def remembered(first: Any, *more: Any) -> Any:
        known = made.get(first)
        if known is None:
            known = made[first] = {}
        key = tuple(map(id, more))
        entry = known.get(key)
        if entry is None:
            entry = known[key] = (more, make(first, *more))
        return entry[1]

    return cast(Make, remembered)
