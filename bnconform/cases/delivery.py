"""The manner in which a case reaches an implementation: memory, watching, compilation, arguments left out, shards.

Rules: the manner of a family of specs is part of its cases, so that a witness, its replay and its script have it too;
no value changes, but where memory is shared: β = γ in one array, dy is constant along axes of stride 0, and its values
are those of x, from the second one on, where both overlap.
"""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import Literal, TypeVar

import numpy as np
from hypothesis import strategies as st

from bnconform.cases.sharing import SHARING, Sharing, sharing
from bnconform.contract.case import MEMORY, Case, Memory
from bnconform.contract.memo import once

Manner = Literal["plain", "stored", "apart", "watched", "uncompiled", "default_eps", "default_momentum"] | Sharing
Choice = TypeVar("Choice")
COMPILING: tuple[Manner, ...] = ("uncompiled", "default_eps", "default_momentum")
"""Manners for which what is compiled is compiled anew, or not at all, with every shape."""
STORED: tuple[Memory, ...] = ("reversed", "strided", "backwards", "misaligned", "swapped", "shared")
"""Ways in which all arrays lie alike."""
APART: tuple[Memory, ...] = tuple(memory for memory in MEMORY if memory not in ("plain", *STORED))
"""Ways in which arrays lie each in one of its own, or beside each other, or with some strides unlike the others."""


def in_manner(
    manner: Manner, drawn: st.SearchStrategy[Case], *, small: bool = False, like: Case | None = None
) -> st.SearchStrategy[Case]:
    """Returns the strategy of the cases of `drawn` in that manner; "stored" in any of STORED, "apart" in any of APART.

    small: how they are stored or shared out is drawn, so that it shrinks; otherwise it follows from the case, which is
    far more even. like: a case that is stored as all are to be.
    """
    if manner in ("stored", "apart"):
        ways = STORED if manner == "stored" else APART
        ways = ways if like is None or like.memory not in ways else (like.memory,)
        return st.builds(_stored, drawn, st.sampled_from(ways)) if small else drawn.map(partial(_by_chance, ways))
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
    if case.dy is not None and case.x.size:
        case = _with_gradient(case, case.dy, memory)
    return replace(case, memory=memory)


def _with_gradient(case: Case, dy: np.ndarray, memory: Memory) -> Case:
    if memory == "dy_broadcast":
        return replace(case, dy=_constant(case, dy), shuffled=False)
    if memory == "overlapping":
        behind = np.append(case.x.ravel()[1:], dy.ravel()[-1:])
        return replace(case, dy=behind.reshape(dy.shape), shuffled=False)
    return case


def _constant(case: Case, dy: np.ndarray) -> np.ndarray:
    """Returns `dy` constant along some axes, as the gradient of a sum, or of a mean of some kind, is."""
    axes = [axis for axis in range(dy.ndim) if dy.shape[axis] > 1]
    channels = case.axis % dy.ndim
    kinds = [axes, [i for i in axes if i != channels], [i for i in axes if i not in (0, channels)], [0]]
    along = _chosen(dy, [kind for kind in kinds if set(kind) & set(axes)] or [[]])
    first = tuple(slice(1) if axis in along else slice(None) for axis in range(dy.ndim))
    return np.broadcast_to(dy[first], dy.shape).copy()


def _by_chance(ways: Sequence[Memory], case: Case) -> Case:
    return _stored(case, _chosen(case.x, [way for way in ways if not _is_plain(case, way)]))


def _is_plain(case: Case, memory: Memory) -> bool:
    """Returns whether the channels of `case` lie as that asks even in the plain case."""
    usual = case.x.ndim == 2 or memory.endswith("channels_last") == (case.axis % case.x.ndim == case.x.ndim - 1)
    return "channels" in memory and usual


def _chosen(by: np.ndarray, choices: Sequence[Choice]) -> Choice:
    return choices[zlib.crc32(by.tobytes()) % len(choices)]


@once
def without_averages(case: Case) -> Case:
    """Returns the case without running statistics, the same one each time."""
    return replace(case, running_mean=None, running_var=None)
