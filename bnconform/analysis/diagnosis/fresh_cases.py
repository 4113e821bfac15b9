"""Fresh cases, in which faults that one witness cannot tell apart come to different ends.

Rules: cases come from the strategies of the specs, by recipes that are the same in every run; an implementation that
compiles for each shape is given one shape, of the pool that it has met already, and no derivatives that the witness did
not ask for.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from functools import cached_property

import numpy as np

from bnconform.cases import layers
from bnconform.cases.shapes import POOL, SINGLE, Layout
from bnconform.cases.strategies import Given, Traits, fill
from bnconform.contract.case import Case

SETTINGS = ((0.3, 0.1), (1e-5, 0.3), (1e-3, 0.875), (0.02, 0.01))
"""Pairs of ε and momentum, those first that are furthest from what is a default somewhere."""
OWN, OWN_COMPILED = 3, 2
"""How many cases of the witness's own family every explanation must hold for."""
FAMILIES = (
    Given(mode="train"),
    Given(mode="infer"),
    Given(mode="train", gradients=False),
    Given(mode="train", derivatives="tangents"),
    Given(mode="train", derivatives="second_order"),
    Given(mode="infer", derivatives="second_order"),
    Given(mode="train", channels="constant"),  # where what one pass leaves of a variance is negative, or is made zero
)


class FreshCases:
    """The fresh cases of one target; the same recipe is the same Case each time."""

    def __init__(self, traits: Traits, features: Collection[str]) -> None:
        self._traits, self._features = traits, features
        self._made: dict[tuple[Given, int], Case] = {}

    def of_family(self, given: Given) -> list[Case]:
        """Returns cases of the family that a witness is from; ordinary ones where its cases are not made by recipe."""
        if given.derivatives == "fold":
            return self._layers
        if given.channels not in ("mixed", "constant") or given.manner != "plain":
            given = Given(mode=given.mode)
        return [self._case(given, place) for place in range(OWN_COMPILED if self._traits.compiled else OWN)]

    @cached_property
    def _layers(self) -> list[Case]:
        return layers.opening(self._traits, np.random.default_rng(0))

    def of_others(self, given: Given) -> Iterator[Case]:
        """Yields cases of plain families, one at a time, as telling faults apart may need only a few."""
        families = [one for one in FAMILIES if one.derivatives == "first" or one.derivatives in self._features]
        if self._traits.compiled:  # whatever else is asked for is compiled once more
            families = [one for one in families if one.gradients and one.derivatives in ("first", given.derivatives)]
        for place in range(len(SETTINGS)):
            for one in families:
                yield self._case(one, OWN + place)

    def _case(self, given: Given, place: int) -> Case:
        if (given, place) not in self._made:
            layouts = _layouts(self._traits, given)
            eps, momentum = SETTINGS[place % len(SETTINGS)]
            layout = layouts[place % len(layouts)]
            self._made[given, place] = fill(
                given, self._traits, layout=layout, eps=eps, momentum=momentum, absent=(), seed=place
            )
        return self._made[given, place]


def _layouts(traits: Traits, given: Given) -> list[Layout]:
    """Returns feature maps first, as they tell examples, channels and pixels apart; a single one where it compiles."""
    table = SINGLE if given.rows == "one" else POOL
    ranks = sorted((rank for rank in table if rank in traits.ranks), key=lambda rank: (rank != 4, rank))
    found = [table[rank][0] for rank in ranks]
    return found[:1] if traits.compiled else found
