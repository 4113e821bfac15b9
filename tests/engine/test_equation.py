"""An equation compares by its own expression, prints it, and takes the alternative that a Dialect declares."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from bnconform import Case, Dialect, Outcome
from bnconform.engine.equation import Equation, Outputs, latex_of, text_of
from bnconform.oracle import reference
from bnconform.oracle.notation import Symbols, at_least

BN, C = Outputs("train"), Symbols("train")
Y: Equation = BN.y == C.γ * C.h + C.β
BIASED: Equation = BN.running_var == (1 - C.ω) * C.Var + C.ω * C.v
UNBIASED: Equation = BN.running_var == (1 - C.ω) * C.Var + C.ω * (C.m / (C.m - 1)) * C.v


def make(**changed: Any) -> Case:
    rng = np.random.default_rng(0)
    two = np.array([0.5, 2.0])
    given = {"gamma": two, "beta": -two, "running_mean": two, "running_var": two, "dy": rng.normal(size=(7, 2))}
    return Case(**{"mode": "train", "x": rng.normal(size=(7, 2)), "eps": 0.25, "momentum": 0.5, **given, **changed})


CASE = make()
RIGHT = Outcome(y=reference.y(CASE), running_var=reference.running_var(CASE, 1), dx=reference.dx(CASE))
DECLARED = replace(RIGHT, running_var=reference.running_var(CASE, 0))
LENIENT = Dialect(running_var="biased")


def verdict(equation: Equation, found: Outcome = RIGHT, dialect: Dialect | None = None) -> str:
    return equation.compared(found, CASE, dialect or Dialect()).verdict


def test_the_right_value_conforms_and_another_fails() -> None:
    assert verdict(Y) == "conforms"
    assert verdict(Y, replace(RIGHT, y=RIGHT.y * 1.001)) == "fails"


def test_an_equation_that_the_reference_does_not_know_judges_as_it_is_written() -> None:
    assert verdict(BN.y == C.γ * C.h - C.β) == "fails"
    assert verdict(BN.y == C.γ * C.h - C.β, replace(RIGHT, y=reference.y(make(beta=-CASE.beta)))) == "conforms"


def test_what_is_not_offered_is_not_compared_and_needs_no_value() -> None:
    without = make(dy=None)
    found = (BN.dx == C.γ * C.r * C.P(C.g)).compared(Outcome(y=RIGHT.y), without, Dialect())
    assert (found.verdict, found.missing.kind) == ("unsupported", "not offered")


def test_a_condition_leaves_out_channels() -> None:
    wide = make(x=CASE.x * np.array([1.0, 100.0]))
    y = reference.y(wide)
    wrong = Outcome(y=y + np.array([0.0, 1.0]))
    narrow_only = Y.where(at_least(100 * C.ε, C.v))
    assert Y.compared(wrong, wide, Dialect()).verdict == "fails"
    assert narrow_only.compared(wrong, wide, Dialect()).verdict == "conforms"
    assert narrow_only.compared(wrong, wide, Dialect()).total == len(y)


@pytest.mark.parametrize(
    ("equation", "dialect", "found", "expected"),
    [
        (UNBIASED.unless_declared("running_var", BIASED), Dialect(), RIGHT, "conforms"),
        (UNBIASED.unless_declared("running_var", BIASED), Dialect(), DECLARED, "fails"),
        (UNBIASED.unless_declared("running_var", BIASED), LENIENT, DECLARED, "deviates"),
        (UNBIASED.unless_declared("running_var", BIASED), LENIENT, RIGHT, "fails"),
        (UNBIASED.or_declared("running_var", BIASED), LENIENT, DECLARED, "conforms"),
        (UNBIASED.or_declared("running_var", BIASED), LENIENT, RIGHT, "fails"),
    ],
)
def test_a_declared_alternative(equation: Equation, dialect: Dialect, found: Outcome, expected: str) -> None:
    assert verdict(equation, found, dialect) == expected


def test_it_is_printed_with_its_conditions_and_the_definitions_of_what_it_uses() -> None:
    dx = BN.dx == C.γ * C.r * C.P(C.g)
    assert text_of([dx, Y.where(at_least(C.v, 2 * C.ε))]) == "dx = γ·r·P(g); y = γ·x̂ + β where σ² ≥ 2·ε"
    assert latex_of([dx], r"\gamma = 0") == (
        r"\frac{\partial\ell}{\partial x} = \gamma\,r\,P(g), \qquad r = \frac{1}{\sqrt{\sigma_B^2 + \varepsilon}},"
        r" \qquad g = \frac{\partial\ell}{\partial y}, \qquad P(t) = t - \mathrm{mean}(t) -"
        r" \hat{x}\,\mathrm{mean}(t\,\hat{x}), \qquad \gamma = 0"
    )


def test_an_output_that_is_none_is_named_with_those_that_are() -> None:
    with pytest.raises(AttributeError, match="'dy' is no output; expected one of y, running_mean"):
        BN.dy  # noqa: B018  # it is to raise
