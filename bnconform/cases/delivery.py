"""The manner in which a case reaches an implementation: memory, watching, compilation, arguments left out, shards.

Rules: the manner of a family of specs is part of its cases, so that a witness, its replay and its script have it too;
no value changes, but for "shared" memory: there β = γ.
"""

from __future__ import annotations

import zlib
from dataclasses import replace
from typing import Literal

from hypothesis import strategies as st

from bnconform.cases.sharing import SHARING, Sharing, sharing
from bnconform.contract.case import MEMORY, Case, Memory
from bnconform.contract.memo import once

Manner = Literal["plain", "stored", "watched", "uncompiled", "default_eps", "default_momentum"] | Sharing
COMPILING: tuple[Manner, ...] = ("uncompiled", "default_eps", "default_momentum")
"""Manners for which what is compiled is compiled anew, or not at all, with every shape."""
STORED: tuple[Memory, ...] = tuple(memory for memory in MEMORY if memory != "plain")


def in_manner(manner: Manner, drawn: st.SearchStrategy[Case], *, small: bool = False) -> st.SearchStrategy[Case]:
    """Returns the strategy of the cases of `drawn` in that manner; those that are "stored" in any of STORED.

    small: how they are stored or shared out is drawn, so that it shrinks; otherwise it follows from the case, which is
    far more even.
    """
    if manner == "stored":
        return st.builds(_stored, drawn, st.sampled_from(STORED)) if small else drawn.map(_stored_by_chance)
    if manner == "watched":
        return drawn.map(lambda case: replace(case, watched=True))
    if manner == "uncompiled":
        return drawn.map(lambda case: replace(case, eager=True))
    if manner == "default_eps":
        return drawn.map(lambda case: replace(case, default_eps=True))
    if manner == "default_momentum":
        return drawn.map(lambda case: replace(case, default_momentum=True))
    if manner in SHARING:
        return sharing(manner, drawn, small=small)
    return drawn


def plain(case: Case) -> Case:
    """Returns the case in the plain manner."""
    return replace(case, memory="plain", watched=False, eager=False)


def _stored(case: Case, memory: Memory) -> Case:
    if memory == "shared" and case.gamma is not None:
        case = replace(case, beta=case.gamma.copy())  # two arrays still: the plain case does not share them
    return replace(case, memory=memory)


def _stored_by_chance(case: Case) -> Case:
    return _stored(case, STORED[zlib.crc32(case.x.tobytes()) % len(STORED)])


@once
def without_averages(case: Case) -> Case:
    """Returns the case without running statistics, the same one each time."""
    return replace(case, running_mean=None, running_var=None)
