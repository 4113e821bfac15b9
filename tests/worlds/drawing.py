"""Draws cases as a search does, for tests that look at the drawn cases."""

from __future__ import annotations

from typing import TypeVar

from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis.strategies import SearchStrategy

from bnconform import Case

Drawn = TypeVar("Drawn")
DTYPES = ("float16", "bfloat16", "float32", "float64")


def draw(strategy: SearchStrategy[Drawn], count: int, start: int = 0) -> list[Drawn]:
    """Returns `count` values that Hypothesis draws, always the same ones."""
    drawn: list[Drawn] = []

    @seed(start)
    @settings(max_examples=count, database=None, deadline=None, phases=(Phase.generate,),
              suppress_health_check=list(HealthCheck))  # fmt: skip
    @given(strategy)
    def collect(value: Drawn) -> None:
        drawn.append(value)

    collect()
    return drawn


def printed(case: Case) -> str:
    """Returns all that a case is, so that equal cases print equal."""
    parts = []
    for name, value in sorted(vars(case).items()):
        parts.append(f"{name}={value.dtype}{value.shape}{value.tobytes().hex()}" if hasattr(value, "dtype") else
                     f"{name}={value!r}")  # fmt: skip
    return "\n".join(parts)
