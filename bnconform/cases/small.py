"""Human-readable cases: one channel of few values in short decimals; Hypothesis finds and shrinks a witness among them.

Rules: at most 16 values; the conditions of a spec's Given hold for its small cases too; their rows stand in any order.
What compiles for several devices, which takes longest, gets two layouts.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from functools import lru_cache, partial
from itertools import product
from typing import Any

import numpy as np
from hypothesis import strategies as st

from bnconform.cases import layers, mixed_precision
from bnconform.cases.delivery import in_manner
from bnconform.cases.draws import ASKED
from bnconform.cases.shapes import Layout
from bnconform.cases.sharing import SHARING
from bnconform.cases.strategies import ABSENT, Given, Traits, left_out
from bnconform.contract.axes import from_rows
from bnconform.contract.case import FEATURES, FLAGS, TENSORS, Case
from bnconform.contract.dtypes import dtype_named

MOST_VALUES = 16


@dataclass(frozen=True)
class Choices:
    """The numbers that a small case is made of. parts: into how many a unit is divided in the running means."""

    scales: tuple[float, ...] = (1.0, 0.01, 1e-3)
    gamma: tuple[float, ...] = (1.0, 2.0, -0.5, 3.0)
    beta: tuple[float, ...] = (0.0, 1.0, -2.0)
    running_var: tuple[float, ...] = (1.0, 2.0, 0.5)
    eps: tuple[float, ...] = (0.25, 1.0, 1e-3, 1e-5)
    parts: int = 2
    absent: tuple[frozenset[str], ...] = ABSENT


PLAIN = Choices()
WIDE = Choices(
    scales=(1.0, 0.01, 1e-4, 300.0),
    gamma=(1.0, 1.0003, -2.0007),
    beta=(0.0, 1.0003),
    running_var=(1.0, 1.0003, 1e5),
    eps=(0.25, 1e-3, 1e-8),
    parts=10,
    absent=mixed_precision.ABSENT,
)
"""Numbers that 16 bits do not hold, among those that they do."""
FEW = Choices(absent=ABSENT[:1])


def _compiles_for_many(given: Given, traits: Traits) -> bool:
    """Returns whether each layout is compiled for several devices, which takes longest."""
    return given.manner in SHARING and traits.compiled


def small_cases(given: Given, traits: Traits, like: Case | None = None) -> st.SearchStrategy[Case]:
    """Returns the strategy of human-readable cases: one channel of few values.

    like: a case; its rank, axis and memory are kept, with up to two channels, for failures that depend on the layout.
    """
    if given.derivatives == "fold":
        return layers.small(traits, like)
    if _compiles_for_many(given, traits):
        layouts = [Layout((m,) + (1,) * (min(traits.ranks) - 2), 1, 1) for m in (2, 4)]
    elif given.rows == "one":
        ranks = traits.ranks if like is None else (like.x.ndim,)
        layouts = [Layout((1,) * (min(ranks) - 1), channels, 1) for channels in (1, 2)]
    elif like is None:
        layouts = [Layout((m,) + (1,) * (min(traits.ranks) - 2), 1, axis) for m in range(2, 7) for axis in (1, -1)]
    else:
        every = product(range(1, 4), repeat=like.x.ndim - 1)
        layouts = [Layout(extents, channels, like.axis) for extents in every for channels in (1, 2)]
        layouts = [one for one in layouts if one.rows >= 2 and one.rows * one.channels <= MOST_VALUES]
    drawn = st.sampled_from(layouts).flatmap(partial(_small_values, given, traits))
    return in_manner(given.manner, drawn, small=True, like=like)


@lru_cache(maxsize=1024)  # building and checking a strategy costs ten times as much as drawing from it
def _small_values(given: Given, traits: Traits, layout: Layout) -> st.SearchStrategy[Case]:
    def numbers(lowest: int, highest: int, parts: int = 2) -> st.SearchStrategy[float]:
        return st.integers(lowest * parts, highest * parts).map(lambda n: n / parts)

    def listed(one: st.SearchStrategy[float], size: int) -> st.SearchStrategy[list[float]]:
        return st.lists(one, min_size=size, max_size=size)

    def columns(one: st.SearchStrategy[float]) -> st.SearchStrategy[list[float]]:
        if given.channels == "constant":
            return listed(one, layout.channels).map(lambda values: values * layout.rows)
        return listed(one, layout.rows * layout.channels)

    choices = WIDE if given.channels == "wide" else FEW if _compiles_for_many(given, traits) else PLAIN
    asked = [name for name in ASKED.get(given.derivatives, ()) if name not in FLAGS]
    return st.builds(
        partial(_small_case, given, traits, layout),
        values=columns(numbers(-8, 8)),
        scale=st.sampled_from(choices.scales),
        shift=st.sampled_from((0.0, 1.0, 100.0, 1000.0)),
        vectors=st.fixed_dictionaries(
            {
                "gamma": listed(st.sampled_from(choices.gamma), layout.channels),
                "beta": listed(st.sampled_from(choices.beta), layout.channels),
                "running_mean": listed(numbers(0, 4, choices.parts), layout.channels),
                "running_var": listed(st.sampled_from(choices.running_var), layout.channels),
                **{name: listed(numbers(-3, 3), layout.channels) for name in asked if name not in TENSORS},
            }
        ),
        absent=st.sampled_from(choices.absent),
        eps=st.sampled_from(choices.eps),
        momentum=st.sampled_from((0.25, 0.125, 0.1)),
        dy=columns(numbers(-3, 3)) if given.gradients else st.none(),
        dy_shift=st.sampled_from((0.0, 1.0, 100.0)),
        further=st.fixed_dictionaries({name: columns(numbers(-3, 3)) for name in asked if name in TENSORS}),
    )


def _small_case(
    given: Given,
    traits: Traits,
    layout: Layout,
    *,
    values: list[float],
    scale: float,
    shift: float,
    vectors: dict[str, list[float]],
    absent: Collection[str],
    eps: float,
    momentum: float,
    dy: list[float] | None,
    dy_shift: float,
    further: dict[str, list[float]],
) -> Case:
    dtype = dtype_named(traits.dtype)
    kept_in = mixed_precision.dtype_of_parameters(traits.dtype) if given.channels == "wide" else dtype
    meant = left_out(traits, given.manner)
    eps, momentum = traits.settled(meant.get("eps", eps), meant.get("momentum", momentum))

    def tensor(numbers: list[float]) -> np.ndarray:
        return from_rows(np.array(numbers, dtype).reshape(layout.rows, -1), layout.shape, layout.axis)

    missing = set(absent) | (set() if given.statistics else {"running_mean", "running_var"})
    kept: dict[str, Any] = {
        name: None if name in missing or name.endswith(tuple(absent)) else np.array(vector, kept_in)
        for name, vector in vectors.items()
    }
    kept |= {name: tensor(numbers) for name, numbers in further.items()}
    kept |= dict.fromkeys(set(FLAGS).intersection(FEATURES.get(given.derivatives, ())), True)
    return Case(
        mode=given.mode,
        x=tensor([round(value * scale + shift, 6) for value in values]),
        eps=eps,
        momentum=momentum,
        axis=layout.axis,
        dy=None if dy is None else tensor([value + dy_shift for value in dy]),
        **kept,
    )
