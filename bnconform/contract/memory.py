"""How the arrays of a case lie in memory when an implementation sees them, and whether it wrote to them.

Rules: values stay as they are, bit for bit, and arrays read-only; a case arrives plain, as pipes and files hold it, and
is laid out last, in the process that calls the adapter; a plain case that is not watched is handed over as it is.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np

from bnconform.contract.case import Case
from bnconform.contract.layouts import arranged
from bnconform.contract.outcome import Outcome


class InputOverwritten(Exception):
    """An implementation wrote to arrays of its case. names: which ones."""

    def __init__(self, names: Sequence[str]) -> None:
        super().__init__(f"it wrote to {' and '.join(names)}, which the caller still holds")
        self.names = tuple(names)


def handed_over(run: Callable[[Case], Outcome], case: Case) -> Outcome:
    """Returns the outcome of `run` for `case`, its arrays laid out in memory as the case asks.

    Raises InputOverwritten if the case is watched and one of them has changed afterwards.
    """
    if case.memory == "plain" and not case.watched:
        return run(case)
    case = laid_out(case)
    before = _contents(case) if case.watched else {}
    outcome = run(case)
    after = _contents(case) if case.watched else {}
    written = [name for name, content in before.items() if after[name] != content]
    if written:
        raise InputOverwritten(written)
    return outcome


def laid_out(case: Case) -> Case:
    """Returns `case` with copies of its arrays, which lie in memory as it asks."""
    return replace(case, **arranged(_arrays(case), case.memory, case.axis))  # type: ignore[arg-type]


def _arrays(case: Case) -> dict[str, np.ndarray]:
    return {name: value for name, value in vars(case).items() if isinstance(value, np.ndarray)}


def in_c_order(case: Case) -> Case:
    """Returns `case` with its arrays as a plain case has them, for an adapter whose implementation takes no others."""
    return case if case.memory == "plain" else laid_out(replace(case, memory="plain"))


def _contents(case: Case) -> dict[str, bytes]:
    """Returns the memory of each array, between its elements too."""
    return {name: _whole(array).tobytes() for name, array in _arrays(case).items()}


def _whole(array: np.ndarray) -> np.ndarray:
    return array.base if isinstance(array.base, np.ndarray) else array
