"""Layers of which some gradients only are wanted: a right one, and ones that leave out what another gradient needs.

Rules: where all gradients are wanted each is right; nothing here is imported from bnconform but the contract.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from bnconform import Case, Outcome
from worlds.miniatures import Mathematics
from worlds.wrong_ways import correct, of

NAMES = ("x", "gamma", "beta")


def right(case: Case) -> Outcome:
    """Returns the gradients that are wanted, and no other."""
    return _of(case, correct(case))


def _of(case: Case, found: Outcome) -> Outcome:
    return replace(found, **{f"d{name}": None for name in NAMES if not case.wants(name)})


def sums_with_the_scale(case: Case) -> Outcome:
    """The sums that dx needs are those of dγ: where that is not wanted there are none, and dx leaves them out."""
    how = Mathematics(stopped_gradient=not case.wants("gamma") and case.mode == "train")
    return _of(case, of(how)(case))


def parameters_beside_the_input(case: Case) -> Outcome:
    """The kernel of dx gives dγ and dβ as well, and where dx is not wanted it does not run."""
    found = _of(case, correct(case))
    if case.wants("x"):
        return found
    zeros = {name: np.zeros_like(array) for name in ("dgamma", "dbeta") if (array := getattr(found, name)) is not None}
    return replace(found, **zeros)


def gradients_by_their_place(case: Case) -> Outcome:
    """Where dx is not wanted, the others are handed out in the wrong places."""
    every = correct(case)
    if case.wants("x"):
        return _of(case, every)
    return _of(case, replace(every, dgamma=every.dbeta, dbeta=every.dgamma))


def output_without_parameters(case: Case) -> Outcome:
    """Parameters that no gradient is wanted of are left out of the forward pass, too."""
    frozen = not case.wants("gamma")
    return _of(case, correct(replace(case, gamma=None, beta=None, wanted=None)) if frozen else correct(case))
