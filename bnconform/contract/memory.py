"""How the arrays of a case lie in memory when an implementation sees them, and whether it wrote to them.

Rules: values stay as they are, bit for bit, and arrays read-only; a case arrives plain, as pipes and files hold it, and
is laid out last, in the process that calls the adapter; a plain case that is not watched is handed over as it is.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import TypeVar

import numpy as np

from bnconform.contract.case import Case, Memory
from bnconform.contract.errors import Unsupported
from bnconform.contract.outcome import Outcome

MaybeArray = TypeVar("MaybeArray", np.ndarray, "np.ndarray | None")


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
    return replace(case, **arranged(_arrays(case), case.memory))  # type: ignore[arg-type]


def _arrays(case: Case) -> dict[str, np.ndarray]:
    return {name: value for name, value in vars(case).items() if isinstance(value, np.ndarray)}


def arranged(arrays: Mapping[str, MaybeArray], memory: Memory) -> dict[str, MaybeArray]:
    """Returns copies of `arrays` that lie in memory in that way; raises Unsupported for a type that cannot."""
    if memory != "shared":
        return {name: None if array is None else _ARRANGE[memory](array) for name, array in arrays.items()}
    kept: dict[object, MaybeArray] = {}
    return {
        name: None if a is None else kept.setdefault((a.dtype.str, a.shape, a.tobytes()), a.copy())
        for name, a in arrays.items()
    }


def in_c_order(case: Case) -> Case:
    """Returns `case` with its arrays as a plain case has them, for an adapter whose implementation takes no others."""
    return case if case.memory == "plain" else laid_out(replace(case, memory="plain"))


def _plain(array: np.ndarray) -> np.ndarray:
    return np.array(array, array.dtype.newbyteorder("="), order="C")


def _strided(array: np.ndarray) -> np.ndarray:
    flat = array.ravel()
    buffer = np.empty(2 * flat.size, array.dtype)
    buffer[::2] = flat
    buffer[1::2] = ~flat if array.dtype == np.bool_ else np.nan
    return buffer[::2].reshape(array.shape)


def _backwards(array: np.ndarray) -> np.ndarray:
    return np.flip(np.ascontiguousarray(np.flip(array)))


def _misaligned(array: np.ndarray) -> np.ndarray:
    values = np.empty(array.nbytes + 1, np.uint8)[1:].view(array.dtype).reshape(array.shape)
    values[...] = array
    return values


def _swapped(array: np.ndarray) -> np.ndarray:
    if array.dtype.isbuiltin != 1:
        raise Unsupported(f"NumPy has {array.dtype.name} in the machine's byte order only")
    return array.astype(array.dtype.newbyteorder("S"), order="C")


_ARRANGE: dict[Memory, Callable[[np.ndarray], np.ndarray]] = {
    "plain": _plain,
    "reversed": lambda array: np.array(array, order="F"),
    "strided": _strided,
    "backwards": _backwards,
    "misaligned": _misaligned,
    "swapped": _swapped,
}


def _contents(case: Case) -> dict[str, bytes]:
    """Returns the memory of each array, between its elements too."""
    return {name: _whole(array).tobytes() for name, array in _arrays(case).items()}


def _whole(array: np.ndarray) -> np.ndarray:
    return array.base if isinstance(array.base, np.ndarray) else array
