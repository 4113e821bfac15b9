"""Shapes that cases are drawn in: extents, number of channels, and the axis that holds them.

Rules: sizes differ along the axes, and mostly there are few values per channel, where faults of the variance show best;
implementations that compile for each shape get theirs from the small POOL.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product

import numpy as np

CHANNELS = (16, 17, 19)


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
    5: [Layout((3, 1, 2, 4), 7, -1)],  # so few that a compiler takes them for constants worth merging
}
SHARED = {3: [Layout((6, 3), 16, -1)]}
"""For implementations that compile, where a batch is shared out over replicas."""
SINGLE = {rank: [Layout((1,) * (rank - 1), 16, 1)] for rank in EAGER}
"""Where each channel has a single value."""
