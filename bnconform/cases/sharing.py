"""Ways of sharing a batch out over replicas: in equal shards, in unequal ones, with one replica that gets nothing.

Rules: at most MOST replicas, so that a host need not have more devices; how a case is shared out follows from its
shape, so that what is compiled for a shape is compiled once; a batch of too few examples stays with one replica.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Literal

from hypothesis import strategies as st

from bnconform.contract.case import Case
from bnconform.contract.shards import EMPTY, EQUAL, UNEQUAL, needs_of

Sharing = Literal["equal_shards", "unequal_shards", "empty_shard"]
ASKS: dict[str, str] = {"equal_shards": EQUAL, "unequal_shards": UNEQUAL, "empty_shard": EMPTY}
"""The feature that a case asks for by each way of sharing it out."""
SHARING: tuple[Sharing, ...] = ("equal_shards", "unequal_shards", "empty_shard")
MOST = 4
Shards = tuple[int, ...]


def ways(how: Sharing, examples: int) -> list[Shards]:
    """Returns the ways in which so many examples are shared out; one replica alone where there is none."""
    if how == "equal_shards":
        found = [(examples // count,) * count for count in range(2, MOST + 1) if examples % count == 0]
    elif how == "unequal_shards":
        found = [(1, examples - 1), (examples - 1, 1)] if examples > 2 else []
        found += [(1, examples - 4, 3), (examples - 3, 2, 1)] if examples > 5 else []
    else:
        half = examples // 2
        found = [(examples, 0), (0, examples), *([(half, 0, half)] if examples % 2 == 0 else [])]
    return found if found and examples else [(examples,)]


def shared_out(case: Case, how: Sharing) -> Case:
    """Returns the case with its examples shared out in one of the ways."""
    found = ways(how, case.examples)
    return replace(case, shards=found[sum(case.x.shape) % len(found)])


def sharing(how: Sharing, drawn: st.SearchStrategy[Case], *, small: bool = False) -> st.SearchStrategy[Case]:
    """Returns the strategy of the cases of `drawn`, shared out. small: the way is drawn, so that it shrinks."""
    if not small:
        return drawn.map(lambda case: shared_out(case, how))
    return drawn.flatmap(
        lambda case: st.sampled_from(ways(how, case.examples)).map(lambda shards: replace(case, shards=shards))
    )


def alike(shards: Sequence[int], examples: int) -> Shards:
    """Returns another number of examples shared out in the same manner as `shards`."""
    needs = needs_of(shards)
    how: Sharing = "empty_shard" if EMPTY in needs else "unequal_shards" if UNEQUAL in needs else "equal_shards"
    return ways(how, examples)[0] if shards else ()
