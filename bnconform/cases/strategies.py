"""Hypothesis strategies for cases: a recipe is drawn (layout, settings, seed) and a NumPy generator fills it.

Rules: a case follows from its recipe alone; specs that are given equal cases share one search; an implementation that
compiles for each shape gets its shapes from a fixed pool. Drawing arrays element by element costs fifty times as much.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import product, zip_longest
from typing import Any, Literal

import numpy as np
from hypothesis import strategies as st

from bnconform.cases import draws, populations
from bnconform.cases.conditions import ALWAYS, Condition
from bnconform.cases.delivery import COMPILING, Manner, in_manner
from bnconform.cases.regimes import CONSTANT, REGIMES, Regime, draw_channels
from bnconform.cases.sentinels import sentinels, size_kinds
from bnconform.cases.shapes import EAGER, POOL, SINGLE, Layout
from bnconform.contract.axes import from_rows
from bnconform.contract.case import FEATURES, FLAGS, Case
from bnconform.contract.dtypes import dtype_named

EPSILONS = (1e-5, 1e-3, 0.02, 0.3)
MOMENTA = (0.1, 0.01, 0.3, 0.875)
Derivatives = Literal["first", "tangents", "second_order", "batch_statistics", "running_gradients", "third_order"]
Kinds = Literal["mixed", "constant", "inputs", "gaussian", "sentinels"]
SETTINGS = tuple(product(EPSILONS, MOMENTA))  # drawn as one: each draw costs as much as a run of torch


@dataclass(frozen=True)
class Traits:
    """The traits of an implementation that strategies need: dtype under test, ranks, and whether shapes cost compiling.

    short_settings: epsilon and momentum that float32 holds exactly, for one that keeps them in float32 by declaration.
    default_eps, default_momentum: its documented defaults, if any. fixed_eps, fixed_momentum: those that it has,
    whatever a case says.
    """

    dtype: str
    ranks: tuple[int, ...] = (2, 3, 4, 5)
    compiled: bool = False
    short_settings: bool = False
    default_eps: float | None = None
    default_momentum: float | None = None
    fixed_eps: float | None = None
    fixed_momentum: float | None = None

    def settled(self, eps: float, momentum: float) -> tuple[float, float]:
        """Returns the settings with which the implementation is asked in place of these."""
        eps = eps if self.fixed_eps is None else self.fixed_eps
        momentum = momentum if self.fixed_momentum is None else self.fixed_momentum
        return short(eps, momentum) if self.short_settings else (eps, momentum)


@dataclass(frozen=True, kw_only=True)
class Given:
    """The cases that a spec is tried on. Equal ones are drawn once, run once and judged by every spec that has them.

    gradients: with a cotangent. statistics: with running averages. channels: "mixed" regimes, "constant" ones, the
    "inputs" of a network, many "gaussian" ones, or "sentinels" in cases of real sizes. rows: "several" values per
    channel or "one". derivatives: beyond the "first", the fields of a Case's feature. examples: how many are enough
    where each one is many problems; None: as many as are asked for. manner: that of bnconform.cases.delivery in which
    the cases reach the implementation.
    """

    mode: Literal["train", "infer"]
    gradients: bool = True
    statistics: bool = True
    channels: Kinds = "mixed"
    rows: Literal["several", "one"] = "several"
    derivatives: Derivatives = "first"
    examples: int | None = field(default=None, repr=False)
    manner: Manner = field(default="plain", repr=False)  # the cases follow from repr: in every manner the same
    condition: Condition = field(default=ALWAYS, repr=False, compare=False)  # it decides no draw, and splits no search

    def where(self, **condition: Any) -> Given:
        """Returns the same cases, of which the statement is asked where they fulfil a Condition of these fields."""
        return replace(self, condition=Condition(**condition))

    def strategy(self, traits: Traits) -> st.SearchStrategy[Case]:
        """Returns the strategy of full cases: sixteen channels and more, each in a regime of its own."""
        if self.channels in ("inputs", "gaussian"):
            return _batches(self.channels, traits)
        if self.channels == "sentinels":
            return _large(self.mode, traits)
        drawn = st.builds(
            partial(_fill, self, traits),
            place=_places(traits, self.rows, self.derivatives, self.manner),
            settings=st.sampled_from(_settings(traits, self.manner)),
            seed=st.integers(0, 2**32 - 1),
        )
        return in_manner(self.manner, drawn)

    def opening(self, traits: Traits, start: int) -> list[Case]:
        """Returns a case of each rank for a search to begin with, since drawn cases may leave a rank out.

        Empty where cases are many problems each, or where each layout costs a compilation of its own. Of real sizes
        it is all that is tried, one of each kind of layout in turn.
        """
        if self.channels == "sentinels":
            return _of_each_kind(self.mode, traits, np.random.default_rng(start), self.examples)
        plain = self.derivatives == "first" and self.manner == "plain" and self.rows == "several"
        if not plain or self.channels in ("inputs", "gaussian"):
            return []
        rng = np.random.default_rng(start)
        found = []
        for table in _layouts(traits, self.rows):
            telling = [one for one in table if one.extents[0] > 2 and one.rows > 7] or table
            layout, settings = telling[rng.integers(len(telling))], SETTINGS[rng.integers(len(SETTINGS))]
            seed = int(rng.integers(2**32))
            found.append(_fill(self, traits, place=(layout, ABSENT[0]), settings=settings, seed=seed))
        return found


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
    channels: Kinds = "mixed",
    rows: Literal["several", "one"] = "several",
    derivatives: Derivatives = "first",
    manner: Manner = "plain",
    examples: int | None = None,
) -> Given:
    """Returns what a spec is given: cases of that mode, with or without cotangents and running averages."""
    return Given(
        mode=mode,
        gradients=gradients,
        statistics=statistics or mode == "infer",
        channels=channels,
        rows=rows,
        derivatives=derivatives,
        manner=manner,
        examples=examples,
    )


def _batches(channels: Kinds, traits: Traits) -> st.SearchStrategy[Case]:
    """Returns the strategy of cases that are many problems each, of the smallest rank that there is."""
    rank, seeds = min(traits.ranks), st.integers(0, 2**32 - 1)
    if channels == "gaussian":
        return st.builds(partial(populations.gaussian, traits.dtype, rank), seed=seeds)
    pairs = list(dict.fromkeys(traits.settled(*pair) for pair in SETTINGS))
    return st.builds(partial(populations.inputs, traits.dtype, rank), settings=st.sampled_from(pairs), seed=seeds)


def _large(mode: Literal["train", "infer"], traits: Traits) -> st.SearchStrategy[Case]:
    """Returns the strategy of cases of real sizes."""
    kinds = size_kinds(traits.ranks, traits.compiled)
    return st.builds(
        partial(sentinels, traits.dtype, mode),
        layout=st.sampled_from([one for kind in kinds.values() for one in kind]),
        settings=st.sampled_from([short(*pair) if traits.short_settings else pair for pair in SETTINGS]),
        seed=st.integers(0, 2**32 - 1),
    )


def _of_each_kind(
    mode: Literal["train", "infer"], traits: Traits, rng: np.random.Generator, most: int | None
) -> list[Case]:
    """Returns cases of real sizes, one of each kind and then of each again, `most` of them; no layout stands twice."""
    kinds = size_kinds(traits.ranks, traits.compiled).values()
    ordered = [[kind[place] for place in rng.permutation(len(kind))] for kind in kinds]
    turns = [one for turn in zip_longest(*ordered) for one in turn if one is not None]
    found = []
    for layout in turns[:most]:
        pair = SETTINGS[rng.integers(len(SETTINGS))]
        settings = short(*pair) if traits.short_settings else pair
        found.append(sentinels(traits.dtype, mode, layout=layout, settings=settings, seed=int(rng.integers(2**32))))
    return found


def left_out(traits: Traits, manner: Manner) -> dict[str, float]:
    """Returns the documented default of the setting that is left out in that manner, by the field's name."""
    found = {"eps": ("default_eps", traits.default_eps), "momentum": ("default_momentum", traits.default_momentum)}
    return {name: value for name, (asked, value) in found.items() if manner == asked and value is not None}


def _settings(traits: Traits, manner: Manner) -> Sequence[tuple[float, float]]:
    """Returns the pairs of ε and momentum to draw from."""
    meant = left_out(traits, manner)
    pairs = [(meant.get("eps", eps), meant.get("momentum", momentum)) for eps, momentum in SETTINGS]
    return list(dict.fromkeys(pairs))


def short(eps: float, momentum: float) -> tuple[float, float]:
    """Returns settings that float32 holds exactly, with the complement of the momentum."""
    return float(np.float32(eps)), short_weight(momentum)


def _layouts(traits: Traits, rows: Literal["several", "one"]) -> list[list[Layout]]:
    """Returns the layouts that an implementation takes, by rank."""
    tables = (POOL if traits.compiled else EAGER) if rows == "several" else SINGLE
    usable = [tables[rank] for rank in sorted(tables) if rank in traits.ranks]
    if not usable:
        raise ValueError(f"ranks {traits.ranks} hold none of {sorted(tables)}; expected at least one of them")
    return usable


def _places(
    traits: Traits,
    rows: Literal["several", "one"] = "several",
    derivatives: Derivatives = "first",
    manner: Manner = "plain",
) -> st.SearchStrategy[tuple[Layout, frozenset[str]]]:
    """Returns the strategy of layouts, and of the arrays absent in them."""
    usable = _layouts(traits, rows)
    if rows == "one" and traits.compiled:
        return st.tuples(st.sampled_from(usable[0]), st.just(ABSENT[0]))
    every = [(layout, ABSENT[0]) for table in usable for layout in table]
    if derivatives == "second_order" and not traits.compiled:  # what is absent is asked for by a spec of its own
        return st.one_of(*[st.sampled_from(table) for table in usable]).map(lambda layout: (layout, ABSENT[0]))
    if not traits.compiled:
        return st.tuples(st.one_of(*[st.sampled_from(table) for table in usable]), st.sampled_from(ABSENT))
    # What is absent is compiled for as well: it varies in one layout only.
    if (
        derivatives != "first" or manner in COMPILING
    ):  # each compiles anew, and what a layout does is told by the first derivatives
        return st.just(every[min(1, len(every) - 1)])
    return st.sampled_from(every + [(every[0][0], absent) for absent in ABSENT if absent])


def _fill(
    given: Given, traits: Traits, *, place: tuple[Layout, frozenset[str]], settings: tuple[float, float], seed: int
) -> Case:
    (layout, absent), (eps, momentum) = place, settings
    return fill(given, traits, layout=layout, eps=eps, momentum=momentum, absent=absent, seed=seed)


def fill(
    given: Given, traits: Traits, *, layout: Layout, eps: float, momentum: float, absent: Collection[str], seed: int
) -> Case:
    """Returns the case of a recipe; the same recipe always gives the same case."""
    rng = np.random.default_rng(seed)
    pool = REGIMES if given.channels == "mixed" else CONSTANT
    order = rng.permutation(np.arange(layout.channels) % len(pool))
    regimes: tuple[Regime, ...] = tuple(pool[i] for i in order)
    eps, momentum = traits.settled(eps, momentum)
    channels = draw_channels(rng, regimes, layout.rows, eps, traits.dtype)
    dtype = dtype_named(traits.dtype)
    arrays: dict[str, np.ndarray] = {
        "gamma": np.where(rng.random(layout.channels) < 0.5, -1.0, 1.0) * draws.scales(rng, layout.channels),
        "beta": np.where(rng.random(layout.channels) < 0.25, 0.0, 1.5 * rng.standard_normal(layout.channels)),
        **(draws.statistics(rng, channels) if given.statistics else {}),
    }
    cast = {name: array.astype(dtype) for name, array in arrays.items() if name not in absent}
    dy = from_rows(draws.cotangent(rng, channels).astype(dtype), layout.shape, layout.axis) if given.gradients else None
    further: dict[str, Any] = {
        name: from_rows(values.astype(dtype), layout.shape, layout.axis) if values.ndim == 2 else values.astype(dtype)
        for name, values in draws.further(given.derivatives, rng, channels).items()
        if not name.endswith(tuple(absent))
    }
    further |= dict.fromkeys(set(FLAGS).intersection(FEATURES.get(given.derivatives, ())), True)
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
        **further,
    )


def short_weight(weight: float) -> float:
    """Returns the weight nearest to `weight` that float32 holds exactly, and 1 less it as well.

    Where the weight of the old statistics is what is kept in float32, a case's own must not be rounded on its way
    there. Multiples of 2^-24 up to 1 have 24 bits, and so have their complements.
    """
    return round(weight * 2.0**24) / 2.0**24
