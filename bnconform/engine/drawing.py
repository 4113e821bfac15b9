"""Draws cases from a strategy by Hypothesis.

Rules: the seed decides every draw; nothing is stored, shrunk or printed.
"""

from __future__ import annotations

import contextlib
import warnings
from collections.abc import Callable
from typing import TypeVar

from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis.errors import HypothesisWarning
from hypothesis.strategies import SearchStrategy

from bnconform.engine.reproducible import by_the_seed_alone

Drawn = TypeVar("Drawn")


class _Enough(Exception):
    """Ends the drawing."""


def draw_until(
    enough: Callable[[Drawn], bool],
    strategy: SearchStrategy[Drawn],
    examples: int,
    start: int,
    *,
    climb: bool = False,
) -> None:
    """Hands draws to `enough` until it returns True or has had so many.

    climb: whether half of them are spent on nearing what `enough` has set for Hypothesis as its target.
    """
    over = False

    @seed(start)
    @settings(
        max_examples=examples,
        database=None,
        deadline=None,
        derandomize=False,
        print_blob=False,
        phases=(Phase.generate, Phase.target) if climb else (Phase.generate,),
        suppress_health_check=list(HealthCheck),
    )
    @given(strategy)
    def example(value: Drawn) -> None:
        nonlocal over
        over = over or enough(value)
        if over:  # Hypothesis runs what raised once more, and must see it raise again
            raise _Enough

    with by_the_seed_alone(), contextlib.suppress(_Enough), warnings.catch_warnings():
        # It warns of the length of what it would print, of which nothing is shown.
        warnings.simplefilter("ignore", HypothesisWarning)
        example()


def drawn(strategy: SearchStrategy[Drawn], examples: int, start: int = 0) -> list[Drawn]:
    """Returns the first draws, as a search has them."""
    found: list[Drawn] = []

    def take(value: Drawn) -> bool:
        found.append(value)
        return False

    draw_until(take, strategy, examples, start)
    return found
