"""Cases of real sizes: zeros but for a few sentinels, so that whatever is lost, doubled or misplaced shows.

Rules: in each channel x is 0 but for pairs of opposite small integers times one power of two, so that it sums to
exactly 0 and its squares sum exactly; dy is 0 but for a few small integers, some of them at sentinels. They stand where
kernels err: in first and last rows, around powers of two from both ends, at the ends of lines and images, around
halves and quarters, and at random; each of the first channels has others, of which all further ones are the like.
Everything follows from layout and seed.
"""

from __future__ import annotations

import math
from collections.abc import Collection
from functools import partial
from itertools import zip_longest
from typing import Literal

import numpy as np
from hypothesis import strategies as st

from bnconform.cases.shapes import Layout
from bnconform.cases.traits import SETTINGS, Traits
from bnconform.contract.case import Case
from bnconform.contract.dtypes import dtype_named

SENTINELS = 16
"""Values of x in a channel that are not zero, at most a fifth of all."""
COTANGENTS = 12
"""Values of dy in a channel that are not zero, a third of them at sentinels; at most a fifth of all."""
THREADS = (2, 3, 4, 8, 16)
"""Numbers of threads at whose shares sentinels stand."""
VALUES = (4, 5, 6, 7)
"""Magnitudes of sentinels, near each other, so that none counts for little in the variance."""
KINDS = 251
"""Channels beyond so many are as the first ones, in turn. The number divides no sum or difference of two powers of two
below 2¹⁷, so that a channel index that is wrong by such a one shows."""
SIZES: dict[str, tuple[Layout, ...]] = {
    "many rows": (
        Layout((65_535,), 20, 1),
        Layout((65_537,), 24, -1),
        Layout((100_003,), 12, 1),
        Layout((2, 35_001), 20, 1),
        Layout((1, 256, 257), 20, 1),
        Layout((2, 9, 65, 63), 16, 1),
    ),
    "many images": (Layout((65_537, 2), 12, -1), Layout((65_537, 1, 1), 20, 1), Layout((65_537, 1, 1, 1), 20, -1)),
    "many channels": (
        Layout((23,), 65_537, 1),
        Layout((9, 5), 65_537, -1),
        Layout((16, 1, 1), 65_540, 1),
        Layout((7, 1, 1, 3), 65_537, 1),
    ),
    "early layers": (Layout((2, 113, 111), 32, 1), Layout((1, 225, 223), 24, -1), Layout((1, 17, 57, 59), 20, -1)),
    "late layers": (Layout((32, 7, 7), 512, 1), Layout((9, 7, 7), 2048, -1), Layout((3, 4, 7, 7), 1024, 1)),
    "odd sizes": (
        Layout((257,), 65, 1),
        Layout((1023,), 33, -1),
        Layout((32_769,), 33, 1),
        Layout((3, 57, 55), 65, 1),
        Layout((5, 31, 33), 130, -1),
        Layout((3, 4099), 33, 1),
        Layout((2, 9, 33, 31), 33, 1),
    ),
}
"""Layouts around the edges that kernels have, and of layers of networks; a search takes one of each kind in turn."""
COMPILED: dict[str, tuple[Layout, ...]] = {
    "many rows": (Layout((65_537,), 24, -1), Layout((1, 256, 257), 20, 1)),
    "many channels": (Layout((9, 5), 65_537, -1), Layout((16, 1, 1), 65_540, 1)),
    "odd sizes": (Layout((3, 57, 55), 65, 1), Layout((1023,), 33, -1), Layout((2, 9, 33, 31), 33, 1)),
}
"""The few for an implementation that compiles for each shape."""


def size_kinds(ranks: Collection[int], compiled: bool) -> dict[str, list[Layout]]:
    """Returns the layouts that an implementation of those ranks is tried on, by kind; no kind is empty."""
    table = COMPILED if compiled else SIZES
    taken = {kind: [one for one in layouts if len(one.shape) in ranks] for kind, layouts in table.items()}
    return {kind: layouts for kind, layouts in taken.items() if layouts}


def large_cases(mode: Literal["train", "infer"], traits: Traits) -> st.SearchStrategy[Case]:
    """Returns the strategy of cases of real sizes."""
    kinds = size_kinds(traits.ranks, traits.compiled)
    return st.builds(
        partial(sentinels, traits.dtype, mode),
        layout=st.sampled_from([one for kind in kinds.values() for one in kind]),
        settings=st.sampled_from([traits.settled(*pair) for pair in SETTINGS]),
        seed=st.integers(0, 2**32 - 1),
    )


def of_each_kind(
    mode: Literal["train", "infer"], traits: Traits, rng: np.random.Generator, most: int | None
) -> list[Case]:
    """Returns cases of real sizes, one of each kind and then of each again, `most` of them; no layout stands twice."""
    kinds = size_kinds(traits.ranks, traits.compiled).values()
    ordered = [[kind[place] for place in rng.permutation(len(kind))] for kind in kinds]
    turns = [one for turn in zip_longest(*ordered) for one in turn if one is not None]
    found = []
    for layout in turns[:most]:
        settings = traits.settled(*SETTINGS[rng.integers(len(SETTINGS))])
        found.append(sentinels(traits.dtype, mode, layout=layout, settings=settings, seed=int(rng.integers(2**32))))
    return found


def sentinels(
    dtype: str, mode: Literal["train", "infer"], *, layout: Layout, settings: tuple[float, float], seed: int
) -> Case:
    """Returns the case of that layout in which sentinels stand as the seed has it."""
    rng, kind = np.random.default_rng(seed), dtype_named(dtype)
    (eps, momentum), m, channels = settings, layout.rows, min(layout.channels, KINDS)
    edges = _edges(layout)
    pairs = max(1, min(SENTINELS, m // 5) // 2)
    count = max(1, min(COTANGENTS, m // 5))
    scale = 2.0 ** round(math.log2(math.sqrt(m * eps / (2 * pairs)) / 5))
    at_x, at_g = (_by_channel(rng, edges, m, number, channels) for number in (2 * pairs, count))
    shared = min(len(at_g) // 3, len(at_x))
    at_g[:shared] = at_x[:shared]  # where dy meets x; a place that is named twice is written once
    values = scale * rng.choice(VALUES, (pairs, channels))
    cotangents = rng.integers(1, 8, at_g.shape) * rng.choice((-1.0, 1.0), at_g.shape)

    def each(vector: np.ndarray) -> np.ndarray:
        return np.resize(vector, layout.channels).astype(kind)

    return Case(
        mode=mode,
        x=_tensor(layout, kind, np.concatenate([at_x[0::2], at_x[1::2]]), np.concatenate([values, -values])),
        gamma=each(rng.choice((-1.0, 1.0), channels) * rng.integers(2, 5, channels) / 2),
        beta=each(rng.integers(-3, 4, channels) / 2),
        running_mean=each(rng.integers(-3, 4, channels) / 4),
        running_var=each(rng.integers(1, 5, channels) / 2),
        eps=eps,
        momentum=momentum,
        axis=layout.axis,
        dy=_tensor(layout, kind, at_g, cotangents),
    )


def _tensor(layout: Layout, kind: np.dtype, at: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Returns a tensor of zeros but for these values in these rows, both of shape (n, K), of each kind of channel."""
    tensor = np.zeros(layout.shape, kind)
    inner = 1 if layout.axis == -1 else int(np.prod(layout.extents[1:]))
    channels, count = layout.channels, at.shape[1]
    first = at // inner * (channels * inner) + np.arange(count) * inner + at % inner
    values = values.astype(kind)
    for start in range(0, channels, count):
        width = min(count, channels - start)
        tensor.reshape(-1)[first[:, :width] + start * inner] = values[:, :width]
    return tensor


def _edges(layout: Layout) -> np.ndarray:
    """Returns the rows at which kernels change what they do: at lines, images, powers of two, threads' shares."""
    m, steps = layout.rows, set(np.cumprod(layout.extents[::-1]).tolist())
    steps |= {2**k for k in range(3, m.bit_length())} | {65_535}
    steps |= {m * share // threads for threads in THREADS for share in range(1, threads)}
    near = {one + more for one in steps for more in (-1, 0)}
    rows = {0, 1, m - 1, m - 2} | near | {m - 1 - one for one in near}
    return np.array(sorted(row for row in rows if 0 <= row < m))


def _by_channel(rng: np.random.Generator, edges: np.ndarray, m: int, count: int, channels: int) -> np.ndarray:
    """Returns so many different rows for each channel, of shape (count, C): most of them edges, of which each channel
    takes the next, so that every edge has its turn where there are channels enough. The last row is the first to."""
    order, taken = np.concatenate([edges[-1:], rng.permutation(edges[:-1])]), count - count // 4
    turns = order[(np.arange(channels)[:, None] * taken + np.arange(taken)) % len(order)]
    every = np.concatenate([turns, rng.integers(0, m, (channels, 4 * count + 8))], axis=1)
    by_row = np.argsort(every, axis=1, kind="stable")
    ordered = np.take_along_axis(every, by_row, axis=1)
    is_new = np.ones(every.shape, bool)  # whether a row is named for the first time
    np.put_along_axis(is_new, by_row[:, 1:], ordered[:, 1:] != ordered[:, :-1], axis=1)
    # What is new comes first, in its order.
    return np.asarray(np.take_along_axis(every, np.argsort(~is_new, axis=1, kind="stable")[:, :count], axis=1).T)
