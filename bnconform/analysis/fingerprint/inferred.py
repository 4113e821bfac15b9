"""An Inferred is the inference of one property of an implementation from outputs alone, and how sure it is.

Rules: a property is decided among named candidates, by errors over bounds; a value is given only where exactly one
candidate keeps its bound, or the strictest of those that imply one another; "undecided", with the reason, is an answer.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from bnconform.oracle.bounds.formats import arithmetic
from bnconform.oracle.bounds.ratios import ratios as error_ratios

ROUNDINGS = 20.0
"""How many roundings of its own arithmetic any right formula makes of data whose mean and variance are exact.

In units of u, relative to the terms of the formula, for up to 4 values: (2√m + 8)/2 = 6 of a variance that is updated
value by value, halved by the root; 3 of a mean so updated; 1 of ε and 1 of v + ε; 4 of the reciprocal root; 2 products,
2 of the shift, 1 of the result. A running average makes 15 of its variance and 4 of itself.
"""


@dataclass(frozen=True, kw_only=True)
class Inferred:
    """The inference of one property.

    value: the candidate that keeps its bound; None: undecided. ratio: its worst error over its bound, at most 1.
    following: the candidate that comes nearest to it, and following_ratio, its error over its bound, above 1. detail:
    further observations, or the reason for no value. asked: False if there was nothing to ask, as of properties of
    16-bit data only. Ratios are NaN where nothing was measured.
    """

    property: str = ""
    value: str | None = None
    ratio: float = np.nan
    following: str = ""
    following_ratio: float = np.nan
    detail: str = ""
    asked: bool = True


class Candidate(NamedTuple):
    """The values that a formula gives, and the size of its terms, which its roundings are relative to."""

    values: np.ndarray
    scale: np.ndarray


class Fit(NamedTuple):
    """The inference, the arithmetic that explains the errors ("" if none does), and every candidate's ratio."""

    inferred: Inferred
    arithmetic: str
    ratios: Mapping[str, float]


def undecided(reason: str) -> Inferred:
    """Returns an answer without a value."""
    return Inferred(detail=reason)


def decided(value: str, ratios: Mapping[str, float], detail: str = "") -> Inferred:
    """Returns the answer `value`, with the nearest of the candidates that do not keep their bound beside it."""
    others = {name: ratio for name, ratio in ratios.items() if name != value and not ratio <= 1}
    following = min(others, key=lambda name: others[name], default="")
    return Inferred(
        value=value,
        ratio=ratios[value],
        following=following,
        following_ratio=others.get(following, np.nan),
        detail=detail,
    )


def seen(value: str, detail: str = "") -> Inferred:
    """Returns an answer that was not measured but simply happened, as an exception does."""
    return Inferred(value=value, ratio=0.0, detail=detail)


def fitting(
    actual: np.ndarray,
    candidates: Mapping[str, Candidate],
    kinds: Sequence[str],
    output: str,
    roundings: float = ROUNDINGS,
) -> Fit:
    """Returns the one candidate that explains `actual`, by the first of the arithmetics `kinds` in which one does.

    kinds: from wide to narrow. output: type that the values were rounded to in the end.
    """
    ratios: dict[str, float] = {}
    for kind in kinds:
        within = arithmetic(output).u + roundings * arithmetic(kind).u
        ratios = {name: _ratio(actual, one, within) for name, one in candidates.items()}
        fits = [name for name, ratio in ratios.items() if ratio <= 1]
        if len(fits) == 1:
            return Fit(decided(fits[0], ratios), kind, ratios)
        if fits:
            return Fit(undecided(f"{' and '.join(fits)} come to the same here"), kind, ratios)
    nearest = min(ratios, key=lambda name: ratios[name])
    return Fit(
        undecided(f"no known formula; the nearest, {nearest}, is off by {ratios[nearest]:.3g} bounds"), "", ratios
    )


def worst_ratio(error: np.ndarray, bound: np.ndarray | float) -> float:
    """Returns the largest error over its bound; 0 for no error at all, infinite for what is not a number."""
    return float(error_ratios(error, bound).max(initial=0.0))


def _ratio(actual: np.ndarray, candidate: Candidate, within: float) -> float:
    both = np.isnan(actual) & np.isnan(candidate.values)
    with np.errstate(all="ignore"):
        error = np.where(both | (actual == candidate.values), 0.0, actual - candidate.values)
        return worst_ratio(error, within * np.abs(candidate.scale))
