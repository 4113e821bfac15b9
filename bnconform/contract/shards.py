"""Shards: how many examples of a batch each replica gets, and what a way of sharing them out asks of an implementation.

Rules: examples stand on the first axis that the channels are not on, and are shared out in their order; every example
belongs to one replica, and a replica may get none.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from bnconform.contract.errors import ContractError

EQUAL, UNEQUAL, EMPTY = "shards", "unequal_shards", "empty_shard"
"""Features of an implementation: several replicas, replicas of different numbers of examples, one without any."""
FEATURES = frozenset({EQUAL, UNEQUAL, EMPTY})


def batch_axis(rank: int, axis: int) -> int:
    """Returns the axis on which the examples stand, where the channels are on `axis`."""
    return 0 if axis % rank else 1


def check_shards(shards: object, examples: int) -> tuple[int, ...]:
    """Returns `shards` as a tuple if it shares out so many examples; otherwise raises ContractError."""
    whole = isinstance(shards, (tuple, list)) and all(type(one) is int and one >= 0 for one in shards)
    if not isinstance(shards, (tuple, list)) or not whole or (shards and sum(shards) != examples):
        raise ContractError(
            f"Case.shards is {shards!r:.60}; expected how many of the {examples} examples each replica gets"
        )
    return tuple(shards)


def needs_of(shards: Sequence[int]) -> frozenset[str]:
    """Returns the features that an implementation must offer to share out a batch so."""
    if not shards:
        return frozenset()
    held = {one for one in shards if one}
    return frozenset({EQUAL, *([UNEQUAL] if len(held) > 1 else []), *([EMPTY] if 0 in shards else [])})


def parts(tensor: np.ndarray, shards: Sequence[int], axis: int) -> list[np.ndarray]:
    """Returns the part of `tensor` that each replica gets, as views; axis: that of the channels."""
    return np.split(tensor, np.cumsum(shards)[:-1], batch_axis(tensor.ndim, axis))
