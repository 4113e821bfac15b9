"""Cases of a layer before the normalization, whose weight is their x: linear, convolutions, transposed, in groups.

Rules: no two values of a weight are alike, and as often as not there are as many inputs as outputs, so that no wrong
axis, order or group can hide; a case follows from its place, its settings and its seed, and has every array, as a spec
of its own asks for each that is absent. Variances stand about ε, and biases near the mean, where a forgotten ε and a
cancelled difference show; some variances are 0.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np
from hypothesis import strategies as st

from bnconform.cases import draws
from bnconform.cases.shapes import Layout
from bnconform.cases.traits import SETTINGS, Traits
from bnconform.contract.case import Case, Layer
from bnconform.contract.dtypes import dtype_named

SPREADS = (0.1, 1.0, 10.0)
"""Standard deviations of the running statistics: in units of √ε in half of the channels."""


@dataclass(frozen=True)
class Place:
    """A layer and its weight: inputs of a group, outputs, the kernel, groups, and where the outputs' axis stands."""

    layer: Layer
    inputs: int
    outputs: int
    kernel: tuple[int, ...] = ()
    groups: int | None = None
    axis: int = 1

    @property
    def layout(self) -> Layout:
        """Where the values of the weight stand."""
        return Layout((self.inputs, *self.kernel), self.outputs, self.axis)

    @property
    def rank(self) -> int:
        """The rank of the weight."""
        return 2 + len(self.kernel)


KERNELS = {3: ((3,), (1,)), 4: ((2, 3), (1, 1)), 5: ((2, 1, 3),)}
CONVOLVING: tuple[Layer, ...] = ("convolution", "transposed")
CHANNELS = ((4, 4), (3, 5), (5, 2))
"""Inputs and outputs of layers that are not in groups."""
GROUPED = ((3, 6, 2), (3, 4, 2), (1, 6, 3), (1, 5, 5), (2, 4, 4))
"""Inputs of a group, outputs and groups: as many inputs as outputs, fewer, more, depthwise, and each group alone."""


def places(traits: Traits) -> list[Place]:
    """Returns the places that an implementation takes; of each kind one, where each costs a compilation."""
    linear = [Place("linear", *pair) for pair in (*CHANNELS, (16, 16), (13, 6))]
    plain = [
        Place(layer, *pair, kernel, axis=axis)
        for layer in CONVOLVING
        for rank, kernels in KERNELS.items()
        for kernel in kernels
        for pair in CHANNELS
        for axis in (1, -1)
        if rank in traits.ranks
    ]
    grouped = [
        Place(layer, inputs, outputs, kernels[0], groups, axis)
        for layer in CONVOLVING
        for rank, kernels in KERNELS.items()
        for inputs, outputs, groups in GROUPED
        for axis in (1, -1)
        if rank in traits.ranks
    ]
    every = [*(linear if 2 in traits.ranks else []), *plain, *grouped]
    return few(every) if traits.compiled else every


def few(every: Sequence[Place]) -> list[Place]:
    """Returns of each kind of layer two places: of maps, or else of the first rank that there is."""
    found: dict[tuple[str, bool], list[Place]] = {}
    for place in sorted(every, key=lambda one: (abs(one.rank - 4), one.axis != 1)):
        found.setdefault((place.layer, place.groups is not None), []).append(place)
    return [place for kind in found.values() for place in kind[:2]]


def strategy(traits: Traits) -> st.SearchStrategy[Case]:
    """Returns the strategy of cases of every kind of layer, each kind as often as any other."""
    kinds: dict[tuple[str, bool], list[Place]] = {}
    for place in places(traits):
        kinds.setdefault((place.layer, place.groups is not None), []).append(place)
    return st.builds(
        partial(fill, traits),
        st.one_of(*[st.sampled_from(kind) for kind in kinds.values()]),
        settings=st.sampled_from(SETTINGS),
        seed=st.integers(0, 2**32 - 1),
    )


def opening(traits: Traits, rng: np.random.Generator) -> list[Case]:
    """Returns two cases of each kind of layer, which drawn cases may leave out."""
    settings = [SETTINGS[i] for i in rng.integers(len(SETTINGS), size=10)]
    chosen = zip(few(places(traits)), settings, strict=False)
    return [fill(traits, place, settings=pair, seed=int(rng.integers(2**32))) for place, pair in chosen]


def fill(traits: Traits, place: Place, *, settings: tuple[float, float], seed: int) -> Case:
    """Returns the case of a recipe; the same recipe always gives the same case."""
    rng, dtype, count = np.random.default_rng(seed), dtype_named(traits.dtype), place.outputs
    eps, momentum = traits.settled(*settings)
    spread = (
        rng.choice(SPREADS, count) * np.where(rng.random(count) < 0.5, np.sqrt(eps), 1.0) * draws.scales(rng, count)
    )
    mean = spread * rng.choice((0.5, 2.0, 10.0), count) * rng.standard_normal(count)
    bias = np.where(rng.random(count) < 0.3, mean * (1 + 0.01 * rng.standard_normal(count)), rng.standard_normal(count))
    vectors = {
        "gamma": np.where(rng.random(count) < 0.5, -1.0, 1.0) * draws.scales(rng, count),
        "beta": np.where(rng.random(count) < 0.25, 0.0, 1.5 * rng.standard_normal(count)),
        "running_mean": mean,
        "running_var": np.where(rng.random(count) < 0.1, 0.0, spread * spread),
        "bias": bias,
    }
    weight = rng.standard_normal(place.layout.shape) * np.exp(0.5 * rng.standard_normal(place.layout.shape))
    return _case(place, {name: values.astype(dtype) for name, values in vectors.items()},
                 weight.astype(dtype), eps, momentum)  # fmt: skip


def _case(place: Place, vectors: dict[str, Any], weight: np.ndarray, eps: float, momentum: float) -> Case:
    return Case(
        mode="infer", x=weight, eps=eps, momentum=momentum, axis=place.axis, layer=place.layer, groups=place.groups,
        **vectors,
    )  # fmt: skip


SMALLEST = (
    *(Place("linear", *pair) for pair in ((1, 1), (2, 1), (2, 2))),
    *(Place(layer, *pair, (1,) * n) for layer in CONVOLVING for n in (1, 2, 3) for pair in ((1, 1), (2, 1), (2, 2))),
    *(
        Place(layer, *pair, (1,) * n, 2)
        for layer in CONVOLVING
        for n in (1, 2, 3)
        for pair in ((1, 2), (1, 4), (2, 2), (2, 4))
    ),
)


def small(traits: Traits, like: Case | None = None) -> st.SearchStrategy[Case]:
    """Returns the strategy of human-readable cases: four output channels at most, of short decimals.

    like: a case; its kind of layer is kept, with the rank of its weight.
    """
    fitting = [one for one in SMALLEST if one.rank in traits.ranks]
    if like is not None:
        kind = like.layer, like.x.ndim, like.groups is None
        fitting = [one for one in fitting if (one.layer, one.rank, one.groups is None) == kind]
    return st.sampled_from(fitting).flatmap(partial(_small, traits))


def _small(traits: Traits, place: Place) -> st.SearchStrategy[Case]:
    def listed(numbers: Sequence[float], size: int = place.outputs) -> st.SearchStrategy[list[float]]:
        return st.lists(st.sampled_from(numbers), min_size=size, max_size=size)

    return st.builds(
        partial(_small_case, traits, place),
        weight=listed((1.0, 2.0, 0.5, -1.0, 3.0), int(np.prod(place.layout.shape))),
        vectors=st.fixed_dictionaries(
            {
                "gamma": listed((1.0, 2.0, -0.5, 3.0)),
                "beta": listed((0.0, 1.0, -2.0)),
                "running_mean": listed((0.0, 1.0, 2.5, 100.0)),
                "running_var": listed((1.0, 2.0, 0.5, 0.0)),
                "bias": listed((0.0, 1.0, -3.0)),
            }
        ),
        eps=st.sampled_from((0.25, 1.0, 1e-3, 1e-5)),
    )


def _small_case(
    traits: Traits,
    place: Place,
    *,
    weight: list[float],
    vectors: dict[str, list[float]],
    eps: float,
) -> Case:
    dtype = dtype_named(traits.dtype)
    settled, momentum = traits.settled(eps, 0.125)
    arrays = {name: np.array(values, dtype) for name, values in vectors.items()}
    return _case(place, arrays, np.array(weight, dtype).reshape(place.layout.shape), settled, momentum)


def rounded(case: Case, digits: int | None) -> Case:
    """Returns a case of a layer with its numbers rounded to so many decimals (None: as they are)."""
    if digits is None:
        return case
    names = ("x", "gamma", "beta", "running_mean", "running_var", "bias")
    arrays = {name: array for name in names if (array := getattr(case, name)) is not None}
    short = {name: np.round(array.astype(np.float64), digits).astype(array.dtype) for name, array in arrays.items()}
    return replace(case, **short)
