"""Expressions are printed as they are written, with the parentheses that they need."""

from __future__ import annotations

import pytest
from latex2mathml.converter import convert

from bnconform.oracle.notation import Expression, mean, sqrt, total
from bnconform.oracle.notation.formulas import FORMULAS
from bnconform.oracle.notation.printing import latex, names_in_print, text
from bnconform.oracle.notation.symbols import TRAINING as C

PRINTED: list[tuple[Expression, str, str]] = [
    (C.γ * C.h + C.β, r"\gamma\,\hat{x} + \beta", "γ·x̂ + β"),
    (C.g - (C.x - C.β), r"g - \left(x - \beta\right)", "g - (x - β)"),
    (C.g - C.x - C.β, r"g - x - \beta", "g - x - β"),
    ((C.γ + C.β) * C.x, r"\left(\gamma + \beta\right)\,x", "(γ + β)·x"),
    (C.γ * (C.x - C.μ) / sqrt(C.v + C.ε), r"\frac{\gamma\,\left(x - \mu_B\right)}{\sqrt{\sigma_B^2 + \varepsilon}}",
     "γ·(x - μ)/√(σ² + ε)"),
    (C.γ / (C.m * C.x), r"\frac{\gamma}{m\,x}", "γ/(m·x)"),
    (C.γ / C.m / C.x, r"\frac{\frac{\gamma}{m}}{x}", "γ/m/x"),
    ((C.x + C.β) ** 2, r"\left(x + \beta\right)^{2}", "(x + β)^2"),
    (-(C.x + C.β), r"-\left(x + \beta\right)", "-(x + β)"),
    (total(C.g * C.h) * C.r, r"\left(\sum g\,\hat{x}\right)\,r", "Σ(g·x̂)·r"),
    (C.γ * total(C.g) * C.r, r"\left(\gamma\,\sum g\right)\,r", "γ·Σ(g)·r"),
    (C.r * total(C.g * C.h), r"r\,\sum g\,\hat{x}", "r·Σ(g·x̂)"),
    (mean(C.g), r"\mathrm{mean}(g)", "mean(g)"),
    (C.P(C.g + C.x), "P(g + x)", "P(g + x)"),
    (2 * C.x, r"2\,x", "2·x"),
]  # fmt: skip


@pytest.mark.parametrize(("written", "as_latex", "as_text"), PRINTED, ids=[row[2] for row in PRINTED])
def test_an_expression_is_printed_as_it_is_written(written: Expression, as_latex: str, as_text: str) -> None:
    assert latex(written) == as_latex
    assert text(written) == as_text


def test_every_formula_can_be_drawn() -> None:
    for one in FORMULAS:
        assert convert(latex(one.expression)).startswith("<math")


def test_what_is_shown_is_what_stands_in_print() -> None:
    assert names_in_print(C.γ * C.P(C.g)) == {"γ", "P", "g"}
    assert names_in_print(C.h) == {"h"}
