"""Hypothesis strategies for cases: a recipe is drawn (layout, settings, seed) and a NumPy generator fills it.

Rules: a case follows from its recipe alone; specs that are given equal cases share one search; an implementation that
compiles for each shape gets its shapes from a fixed pool. Drawing arrays element by element costs fifty times as much.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, Literal

import numpy as np
from hypothesis import strategies as st

from bnconform.cases import draws, layers, mixed_precision, populations
from bnconform.cases.conditions import ALWAYS, Condition
from bnconform.cases.delivery import COMPILING, Manner, in_manner
from bnconform.cases.regimes import CONSTANT, REGIMES, Channels, Regime, draw_channels
from bnconform.cases.sentinels import large_cases, of_each_kind
from bnconform.cases.shapes import EAGER, POOL, SHARED, SINGLE, Layout
from bnconform.cases.sharing import SHARING
from bnconform.cases.traits import EPSILONS as EPSILONS
from bnconform.cases.traits import MOMENTA as MOMENTA
from bnconform.cases.traits import SETTINGS as SETTINGS
from bnconform.cases.traits import Traits as Traits
from bnconform.cases.traits import short as short
from bnconform.cases.traits import short_weight as short_weight
from bnconform.contract.axes import from_rows
from bnconform.contract.case import FEATURES, FLAGS, Case
from bnconform.contract.dtypes import dtype_named

Derivatives = Literal[
    "first", "tangents", "second_order", "batch_statistics", "running_gradients", "third_order", "fold"
]
Kinds = Literal["mixed", "constant", "inputs", "gaussian", "sentinels", "wide"]


@dataclass(frozen=True, kw_only=True)
class Given:
    """The cases that a spec is tried on. Equal ones are drawn once, run once and judged by every spec that has them.

    gradients: with a cotangent. statistics: with running averages. channels: "mixed" regimes, "constant" ones, the
    "inputs" of a network, many "gaussian" ones, "sentinels" in cases of real sizes, or "wide" ones, with parameters and
    averages of a wider dtype. rows: "several" values per channel or "one". derivatives: beyond the "first", the fields
    of a Case's feature; of "fold" x is the weight of a layer. examples: how many are enough
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
            return large_cases(self.mode, traits)
        if self.derivatives == "fold":
            return layers.strategy(traits)
        drawn = st.builds(
            partial(_fill, self, traits),
            place=_places(traits, self.rows, self.derivatives, self.manner, self._absent),
            settings=st.sampled_from(_settings(traits, self.manner, self._pairs)),
            seed=st.integers(0, 2**32 - 1),
        )
        return in_manner(self.manner, drawn)

    def opening(self, traits: Traits, start: int) -> list[Case]:
        """Returns a case of each rank for a search to begin with, since drawn cases may leave a rank out.

        Empty where cases are many problems each, or where each layout costs a compilation of its own. Of real sizes
        it is all that is tried, one of each kind of layout in turn.
        """
        if self.channels == "sentinels":
            return of_each_kind(self.mode, traits, np.random.default_rng(start), self.examples)
        if self.derivatives == "fold":
            return layers.opening(traits, np.random.default_rng(start))
        plain = self.derivatives == "first" and self.manner == "plain" and self.rows == "several"
        if not plain or self.channels in ("inputs", "gaussian"):
            return []
        rng = np.random.default_rng(start)
        found = []
        for table in _layouts(traits, self.rows):
            telling = [one for one in table if one.extents[0] > 2 and one.rows > 7] or table
            layout, settings = telling[rng.integers(len(telling))], self._pairs[int(rng.integers(len(self._pairs)))]
            seed = int(rng.integers(2**32))
            found.append(_fill(self, traits, place=(layout, ABSENT[0]), settings=settings, seed=seed))
        return found

    @property
    def _pairs(self) -> Sequence[tuple[float, float]]:
        return mixed_precision.SETTINGS if self.channels == "wide" else SETTINGS

    @property
    def _absent(self) -> Sequence[frozenset[str]]:
        return mixed_precision.ABSENT if self.channels == "wide" else ABSENT


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


def left_out(traits: Traits, manner: Manner) -> dict[str, float]:
    """Returns the documented default of the setting that is left out in that manner, by the field's name."""
    found = {"eps": ("default_eps", traits.default_eps), "momentum": ("default_momentum", traits.default_momentum)}
    return {name: value for name, (asked, value) in found.items() if manner == asked and value is not None}


def _settings(
    traits: Traits, manner: Manner, pairs: Sequence[tuple[float, float]] = SETTINGS
) -> Sequence[tuple[float, float]]:
    """Returns the pairs of ε and momentum to draw from."""
    meant = left_out(traits, manner)
    return list(dict.fromkeys((meant.get("eps", eps), meant.get("momentum", momentum)) for eps, momentum in pairs))


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
    absences: Sequence[frozenset[str]] = ABSENT,
) -> st.SearchStrategy[tuple[Layout, frozenset[str]]]:
    """Returns the strategy of layouts, and of the arrays absent in them."""
    usable = _layouts(traits, rows)
    if rows == "one" and traits.compiled:
        return st.tuples(st.sampled_from(usable[0]), st.just(ABSENT[0]))
    every = [(layout, ABSENT[0]) for table in usable for layout in table]
    if derivatives == "second_order" and not traits.compiled:  # what is absent is asked for by a spec of its own
        return st.one_of(*[st.sampled_from(table) for table in usable]).map(lambda layout: (layout, ABSENT[0]))
    if not traits.compiled:
        return st.tuples(st.one_of(*[st.sampled_from(table) for table in usable]), st.sampled_from(absences))
    if manner in SHARING:
        shared = [layout for rank in traits.ranks for layout in SHARED.get(rank, [])]
        return st.sampled_from([(layout, ABSENT[0]) for layout in shared] or every)
    # What is absent is compiled for as well: it varies in one layout only.
    if (
        derivatives != "first" or manner in COMPILING
    ):  # each compiles anew, and what a layout does is told by the first derivatives
        return st.just(every[min(1, len(every) - 1)])
    return st.sampled_from(every + [(every[0][0], absent) for absent in absences if absent])


def _cotangent(given: Given, layout: Layout, rng: np.random.Generator, channels: Channels) -> np.ndarray:
    dy = draws.cotangent(rng, channels)
    dy = mixed_precision.scaled(rng, channels, dy) if given.channels == "wide" else dy
    return from_rows(dy, layout.shape, layout.axis)


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
    pool = {"mixed": REGIMES, "wide": mixed_precision.WIDE}.get(given.channels, CONSTANT)
    order = rng.permutation(np.arange(layout.channels) % len(pool))
    regimes: tuple[Regime, ...] = tuple(pool[i] for i in order)
    eps, momentum = traits.settled(eps, momentum)
    channels = draw_channels(rng, regimes, layout.rows, eps, traits.dtype)
    dtype, wide = dtype_named(traits.dtype), given.channels == "wide"
    parameters = mixed_precision.dtype_of_parameters(traits.dtype) if wide else dtype
    arrays: dict[str, np.ndarray] = {
        "gamma": np.where(rng.random(layout.channels) < 0.5, -1.0, 1.0) * draws.scales(rng, layout.channels),
        "beta": np.where(rng.random(layout.channels) < 0.25, 0.0, 1.5 * rng.standard_normal(layout.channels)),
        **(draws.statistics(rng, channels) if given.statistics else {}),
    }
    cast = {name: array.astype(parameters) for name, array in arrays.items() if name not in absent}
    dy = _cotangent(given, layout, rng, channels).astype(dtype) if given.gradients else None
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
