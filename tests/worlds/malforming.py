"""Implementations that are handed arrays of another shape: one that refuses each, and ones that make do with some.

Rules: each is right where all arrays fit; what makes do returns numbers of the right shapes, as C code without checks
would; nothing here is imported from bnconform but the contract.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial

import numpy as np

from bnconform import Case, Outcome
from bnconform.contract.case import PER_CHANNEL
from worlds.wrong_ways import correct

Mends = Callable[[np.ndarray, int], np.ndarray]
SHAPED = (*PER_CHANNEL, "dy")


def _fits(case: Case, name: str) -> bool:
    array = getattr(case, name)
    return array is None or array.shape == (case.x.shape if name == "dy" else (case.channels,))


def refuses(case: Case) -> Outcome:
    """Looks at every shape before it computes."""
    wrong = [name for name in SHAPED if not _fits(case, name)]
    if wrong:
        raise ValueError(f"{wrong[0]} does not fit x of shape {case.x.shape}")
    return correct(replace(case, malformed=None))


def spread(array: np.ndarray, size: int) -> np.ndarray:
    """A single value is broadcast; nothing else is."""
    return np.broadcast_to(array, (size, *array.shape[1:])).copy()


def cut_or_repeated(array: np.ndarray, size: int) -> np.ndarray:
    """As many values are read as are needed, wherever the array ends."""
    return np.resize(array, (size, *array.shape[1:]))


def flattened(array: np.ndarray, size: int) -> np.ndarray:
    """An array of any rank is taken by its values, if it has the right number."""
    return array.reshape(size)


def scrambled(array: np.ndarray, size: int) -> np.ndarray:
    """An array of rank 2 is taken, and its values in the wrong order."""
    return array.reshape(size)[::-1].copy()


def makes_do(mends: Mends, names: tuple[str, ...], case: Case) -> Outcome:
    """Mends the arrays of these names in place of refusing them, where that is possible."""
    mended = {}
    for name in names:
        if not _fits(case, name):
            mended[name] = mends(getattr(case, name), len(case.x) if name == "dy" else case.channels)
            if mended[name].shape != (case.x.shape if name == "dy" else (case.channels,)):
                raise ValueError(f"{name} does not fit x of shape {case.x.shape}")
    return refuses(replace(case, malformed=None, **mended)) if mended else refuses(case)


def making_do(mends: Mends, *names: str) -> Callable[[Case], Outcome]:
    """Returns what makes do with the arrays of these names."""
    return partial(makes_do, mends, names)
