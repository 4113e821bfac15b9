"""Cases of real sizes: zeros but for a few sentinels, so that whatever is lost, doubled or misplaced shows.

Rules: in each channel x is 0 but for pairs of opposite small integers times one power of two, so that it sums to
exactly 0 and its squares sum exactly; dy is 0 but for a few small integers, some of them at sentinels. They stand where
kernels err: in first and last rows, around powers of two from both ends, at the ends of lines and images, around
halves and quarters, and at random; each channel has others. Everything follows from layout and seed.
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
from bnconform.contract.axes import from_rows
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
SETS = 256
"""Channels beyond so many have the places of one of the first."""
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
    (eps, momentum), m, channels = settings, layout.rows, layout.channels
    edges = _edges(layout)
    pairs = max(1, min(SENTINELS, m // 5) // 2)
    count = max(1, min(COTANGENTS, m // 5))
    scale = 2.0 ** round(math.log2(math.sqrt(m * eps / (2 * pairs)) / 5))
    at_x, at_g = (_by_channel(rng, edges, m, number, channels) for number in (2 * pairs, count))
    shared = min(len(at_g) // 3, len(at_x))
    at_g[:shared] = at_x[:shared]  # where dy meets x; a place that is named twice is written once
    x, g = np.zeros((m, channels), kind), np.zeros((m, channels), kind)
    column = np.arange(channels)
    values = scale * rng.choice(VALUES, (pairs, channels))
    x[at_x[0::2], column], x[at_x[1::2], column] = values, -values
    g[at_g, column] = rng.integers(1, 8, at_g.shape) * rng.choice((-1.0, 1.0), at_g.shape)

    def whole(rows: np.ndarray) -> np.ndarray:
        return np.ascontiguousarray(from_rows(rows, layout.shape, layout.axis))

    return Case(
        mode=mode,
        x=whole(x),
        gamma=(rng.choice((-1.0, 1.0), channels) * rng.integers(2, 5, channels) / 2).astype(kind),
        beta=(rng.integers(-3, 4, channels) / 2).astype(kind),
        running_mean=(rng.integers(-3, 4, channels) / 4).astype(kind),
        running_var=(rng.integers(1, 5, channels) / 2).astype(kind),
        eps=eps,
        momentum=momentum,
        axis=layout.axis,
        dy=whole(g),
    )


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
    sets = []
    for channel in range(min(channels, SETS)):
        start = channel * taken
        turn = order[np.arange(start, start + taken) % len(order)]
        others = rng.integers(0, m, 4 * count + 8)
        every = np.concatenate([turn, others])
        _, at = np.unique(every, return_index=True)
        sets.append(every[np.sort(at)][:count])
    found = np.stack(sets, axis=1)
    return found if channels <= SETS else found[:, np.arange(channels) % SETS]
