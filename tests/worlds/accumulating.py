"""Layers whose backward pass finds gradients held already: a right one, and ones that do something else with them.

Rules: where nothing is held each is right; nothing here is imported from bnconform but the contract.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial

import numpy as np

from bnconform import Case, Outcome
from worlds.wrong_ways import correct

Puts = Callable[[np.ndarray, np.ndarray], np.ndarray]


def added(held: np.ndarray, new: np.ndarray) -> np.ndarray:
    return held + new


def overwritten(held: np.ndarray, new: np.ndarray) -> np.ndarray:
    return new


def kept(held: np.ndarray, new: np.ndarray) -> np.ndarray:
    """The pass was made before, it thinks."""
    return held


def averaged(held: np.ndarray, new: np.ndarray) -> np.ndarray:
    return ((held + new) / held.dtype.type(2)).astype(held.dtype)


def _run(gamma: Puts, beta: Puts, case: Case) -> Outcome:
    found = correct(case)
    changed = {}
    for name, puts, held in (("dgamma", gamma, case.held_gamma), ("dbeta", beta, case.held_beta)):
        if held is not None and getattr(found, name) is not None:
            changed[name] = puts(held, getattr(found, name))
    return replace(found, **changed)


def accumulating(gamma: Puts = added, beta: Puts = added) -> Callable[[Case], Outcome]:
    """Returns a layer that puts the gradients of γ and β to what is held in these ways."""
    return partial(_run, gamma, beta)
