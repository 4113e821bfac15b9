"""Hypothesis strategies for cases: a recipe is drawn (layout, settings, seed) and a NumPy generator fills it.

Rules: a case follows from its recipe alone; specs that are given equal cases share one search; an implementation that
compiles for each shape gets its shapes from a fixed pool. Drawing arrays element by element costs fifty times as much.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from functools import lru_cache, partial
from itertools import product
from typing import Any, Literal

import numpy as np
from hypothesis import strategies as st

from bnconform.case import Case
from bnconform.layout import from_rows
from bnconform.regimes import CONSTANT, REGIMES, Channels, Regime, draw_channels, dtype_named

CHANNELS = (16, 17, 19)
EPSILONS = (1e-5, 1e-3, 0.02, 0.3)
MOST_VALUES = 16  # of a witness
MOMENTA = (0.1, 0.01, 0.3, 0.875)


@dataclass(frozen=True)
class Layout:
    """Where values stand: the extents of all axes but the channels', how many channels, and on which axis."""

    extents: tuple[int, ...]
    channels: int
    axis: int

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of x."""
        shape = list(self.extents)
        shape.insert(1 if self.axis == 1 else len(shape), self.channels)
        return tuple(shape)

    @property
    def rows(self) -> int:
        """m, the number of values in each channel."""
        return int(np.prod(self.extents))


def _extents(rank: int) -> list[tuple[int, ...]]:
    """Returns the extents that are tried in a rank: mostly few values per channel, where variance faults show best."""
    if rank == 2:
        return [(n,) for n in (*range(2, 17), 33, 130, 515)]
    few = product(range(1, 7), product(range(1, 5), repeat=rank - 2))
    every: list[tuple[int, ...]] = [(n, *rest) for n, rest in few]
    small = [extents for extents in every if 2 <= np.prod(extents) <= 24 and len(set(extents)) > 1]
    return [*small, *LARGE[rank]]


LARGE: dict[int, list[tuple[int, ...]]] = {3: [(9, 23)], 4: [(3, 8, 9), (7, 5, 13)], 5: [(3, 2, 5, 7)]}
EAGER = {
    rank: [Layout(extents, channels, axis) for extents in _extents(rank) for channels in CHANNELS for axis in (1, -1)]
    for rank in (2, 3, 4, 5)
}
POOL = {
    2: [Layout((3,), 16, 1), Layout((13,), 17, -1)],
    3: [Layout((2, 4), 16, -1)],
    4: [Layout((2, 3, 5), 16, 1), Layout((5, 1, 3), 17, -1)],
    5: [Layout((3, 1, 2, 4), 16, -1)],
}


@dataclass(frozen=True)
class Traits:
    """What a strategy must know of an implementation: dtype under test, its ranks, and whether shapes cost compiling.

    short_settings: epsilon and momentum that float32 holds exactly, for one that keeps them in float32 by declaration.
    """

    dtype: str
    ranks: tuple[int, ...] = (2, 3, 4, 5)
    compiled: bool = False
    short_settings: bool = False


@dataclass(frozen=True, kw_only=True)
class Given:
    """The cases that a spec is tried on. Equal ones are drawn once, run once and judged by every spec that has them.

    gradients: with a cotangent. statistics: with running averages. channels: "mixed" regimes or "constant" ones.
    """

    mode: Literal["train", "infer"]
    gradients: bool = True
    statistics: bool = True
    channels: Literal["mixed", "constant"] = "mixed"

    def strategy(self, traits: Traits) -> st.SearchStrategy[Case]:
        """Returns the strategy of full cases: sixteen channels and more, each in a regime of its own."""
        return st.builds(
            partial(fill, self, traits),
            layout=_layouts(traits),
            eps=st.sampled_from(EPSILONS),
            momentum=st.sampled_from(MOMENTA),
            absent=st.sampled_from(ABSENT[:1] if traits.compiled else ABSENT),
            seed=st.integers(0, 2**32 - 1),
        )

    def small_strategy(self, traits: Traits, like: Case | None = None) -> st.SearchStrategy[Case]:
        """Returns the strategy of cases to read: one channel of few values, written in short decimals.

        like: a case whose rank and axis are kept, with up to two channels, for what depends on the layout in memory.
        """
        if like is None:
            layouts = [Layout((m,) + (1,) * (min(traits.ranks) - 2), 1, axis) for m in range(2, 7) for axis in (1, -1)]
        else:
            every = product(range(1, 4), repeat=like.x.ndim - 1)
            layouts = [Layout(extents, channels, like.axis) for extents in every for channels in (1, 2)]
            layouts = [one for one in layouts if one.rows >= 2 and one.rows * one.channels <= MOST_VALUES]
        return st.sampled_from(layouts).flatmap(partial(_small_values, self, traits))


ABSENT: tuple[frozenset[str], ...] = (
    frozenset(),
    frozenset(),
    frozenset(),
    frozenset({"beta"}),
    frozenset({"gamma"}),
    frozenset({"gamma", "beta"}),
)


def cases(
    *,
    mode: Literal["train", "infer"],
    gradients: bool = True,
    statistics: bool = True,
    channels: Literal["mixed", "constant"] = "mixed",
) -> Given:
    """Returns what a spec is given: cases of that mode, with or without cotangents and running averages."""
    return Given(mode=mode, gradients=gradients, statistics=statistics or mode == "infer", channels=channels)


def _layouts(traits: Traits) -> st.SearchStrategy[Layout]:
    tables = POOL if traits.compiled else EAGER
    usable = [tables[rank] for rank in sorted(tables) if rank in traits.ranks]
    if not usable:
        raise ValueError(f"ranks {traits.ranks} hold none of {sorted(tables)}; expected at least one of them")
    if traits.compiled:
        return st.sampled_from([layout for table in usable for layout in table])
    return st.one_of(*[st.sampled_from(table) for table in usable])


def fill(
    given: Given, traits: Traits, *, layout: Layout, eps: float, momentum: float, absent: Collection[str], seed: int
) -> Case:
    """Returns the case of a recipe; the same recipe always gives the same case."""
    rng = np.random.default_rng(seed)
    pool = REGIMES if given.channels == "mixed" else CONSTANT
    order = rng.permutation(np.arange(layout.channels) % len(pool))
    regimes: tuple[Regime, ...] = tuple(pool[i] for i in order)
    if traits.short_settings:
        eps, momentum = float(np.float32(eps)), float(np.float32(momentum))
    channels = draw_channels(rng, regimes, layout.rows, eps, traits.dtype)
    dtype = dtype_named(traits.dtype)
    arrays: dict[str, np.ndarray] = {
        "gamma": np.where(rng.random(layout.channels) < 0.5, -1.0, 1.0) * _scales(rng, layout.channels),
        "beta": np.where(rng.random(layout.channels) < 0.25, 0.0, 1.5 * rng.standard_normal(layout.channels)),
        **(_statistics(rng, channels) if given.statistics else {}),
    }
    cast = {name: array.astype(dtype) for name, array in arrays.items() if name not in absent}
    dy = from_rows(_cotangent(rng, channels).astype(dtype), layout.shape, layout.axis) if given.gradients else None
    return Case(
        mode=given.mode,
        x=from_rows(channels.x, layout.shape, layout.axis),
        gamma=cast.get("gamma"),
        beta=cast.get("beta"),
        running_mean=cast.get("running_mean"),
        running_var=cast.get("running_var"),
        eps=eps,
        momentum=momentum,
        axis=layout.axis,
        dy=dy,
        shuffled=True,
    )


def _scales(rng: np.random.Generator, count: int) -> np.ndarray:
    return np.asarray(np.exp(0.5 * rng.standard_normal(count)))


def _statistics(rng: np.random.Generator, channels: Channels) -> dict[str, np.ndarray]:
    """Returns running averages that differ from the batch's, near enough to it that both terms of an update matter."""
    count = channels.spread.size
    return {
        "running_mean": channels.centre + channels.spread * rng.standard_normal(count),
        "running_var": channels.spread**2 * _scales(rng, count),
    }


def _cotangent(rng: np.random.Generator, channels: Channels) -> np.ndarray:
    """Returns a cotangent with a mean and a component along h; without them the centring terms of dx vanish."""
    z = (channels.x.astype(np.float64) - channels.centre) / channels.spread
    strength = _scales(rng, channels.spread.size)
    return np.asarray(strength * (1.0 + 0.8 * np.clip(z, -8, 8) + 0.5 * rng.standard_normal(z.shape)))


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

    return st.builds(
        partial(_small_case, given, traits, layout),
        values=columns(numbers(-8, 8)),
        scale=st.sampled_from((1.0, 0.01, 1e-3)),
        shift=st.sampled_from((0.0, 1.0, 100.0, 1000.0)),
        vectors=st.fixed_dictionaries(
            {
                "gamma": listed(st.sampled_from((1.0, 2.0, -0.5, 3.0)), layout.channels),
                "beta": listed(st.sampled_from((0.0, 1.0, -2.0)), layout.channels),
                "running_mean": listed(numbers(0, 4), layout.channels),
                "running_var": listed(st.sampled_from((1.0, 2.0, 0.5)), layout.channels),
            }
        ),
        absent=st.sampled_from(ABSENT),
        eps=st.sampled_from((0.25, 1.0, 1e-3, 1e-5)),
        momentum=st.sampled_from((0.25, 0.125, 0.1)),
        dy=columns(numbers(-3, 3)) if given.gradients else st.none(),
        dy_shift=st.sampled_from((0.0, 1.0, 100.0)),
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
) -> Case:
    dtype = dtype_named(traits.dtype)
    if traits.short_settings:
        eps, momentum = float(np.float32(eps)), float(np.float32(momentum))

    def tensor(numbers: list[float]) -> np.ndarray:
        return from_rows(np.array(numbers, dtype).reshape(layout.rows, -1), layout.shape, layout.axis)

    left_out = set(absent) | (set() if given.statistics else {"running_mean", "running_var"})
    kept: dict[str, Any] = {
        name: None if name in left_out else np.array(vector, dtype) for name, vector in vectors.items()
    }
    return Case(
        mode=given.mode,
        x=tensor([round(value * scale + shift, 6) for value in values]),
        eps=eps,
        momentum=momentum,
        axis=layout.axis,
        dy=None if dy is None else tensor([value + dy_shift for value in dy]),
        **kept,
    )
