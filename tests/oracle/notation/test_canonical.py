"""Canonical forms are equal for expressions that mean the same, and differ where one sign, factor or symbol does."""

from __future__ import annotations

import pytest

from bnconform.oracle.notation import mean, sqrt, total
from bnconform.oracle.notation.canonical import canonical
from bnconform.oracle.notation.symbols import INFERENCE, TRAINING

C = TRAINING
SAME = {
    "order of a sum": (C.γ * C.h + C.β, C.β + C.h * C.γ),
    "grouping of a product": (C.γ * C.r * C.P(C.g), C.r * (C.P(C.g) * C.γ)),
    "a quotient": (C.γ * (C.x - C.μ) / sqrt(C.v + C.ε) + C.β, C.γ * C.h + C.β),
    "a mean": (mean(C.g * C.h), total(C.g * C.h) / C.m),
    "a square": (mean((C.x - C.μ) ** 2), mean((C.x - C.μ) * (C.x - C.μ))),
    "a projection written out": (C.P(C.g), C.g - mean(C.g) - C.h * mean(C.g * C.h)),
    "a sign": (C.g - C.h, C.g + -C.h),
    "a root of a square": (sqrt(C.v + C.ε) ** 2, C.v + C.ε),
    "a number": (2 * C.x / C.m, C.x * 2 / C.m),
}
OTHER = {
    "a sign": (C.γ * C.h + C.β, C.γ * C.h - C.β),
    "a factor": (C.γ * C.r * C.P(C.g), C.r * C.P(C.g)),
    "a symbol": (C.γ * C.h + C.β, C.γ * C.x + C.β),
    "ε outside the root": (1 / sqrt(C.v + C.ε), 1 / (sqrt(C.v) + C.ε)),
    "a sum for a mean": (mean(C.g), total(C.g)),
    "the mode": (TRAINING.h, INFERENCE.h),
    "a number": (2 * C.x, 3 * C.x),
    "a power": (C.r**2, C.r**3),
}


@pytest.mark.parametrize("name", SAME)
def test_what_means_the_same_has_one_form(name: str) -> None:
    one, other = SAME[name]
    assert canonical(one) == canonical(other)


@pytest.mark.parametrize("name", OTHER)
def test_what_differs_has_another_form(name: str) -> None:
    one, other = OTHER[name]
    assert canonical(one) != canonical(other)


def test_products_of_sums_are_not_multiplied_out() -> None:
    assert canonical(C.γ * (C.x + C.β)) != canonical(C.γ * C.x + C.γ * C.β)
