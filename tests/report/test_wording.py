"""Equations and numbers as the report spells them: nothing hidden, nothing rounded away."""

from __future__ import annotations

import pytest
from worlds import records as world

from bnconform.report.mathml import equation
from bnconform.report.wording import ratio_text, selftest_text, share_text, value_text


def test_equations_become_mathml_that_keeps_its_latex() -> None:
    drawn = equation(world.NORMALIZES["latex"])
    assert drawn.startswith("<math")
    assert "<mfrac>" in drawn
    assert "γ" in drawn
    assert r"\varepsilon" in drawn
    assert "mfrac" not in equation(r"\frac{1")
    assert equation(r"\frac{1").startswith("<code")


@pytest.mark.parametrize(
    "latex", [r"\text{<script>alert(1)</script>}", r"\href{javascript:alert(1)}{x}", "a < b & c", ""]
)
def test_no_markup_hides_in_an_equation(latex: str) -> None:
    drawn = equation(latex)
    assert "<script" not in drawn
    assert 'href="' not in drawn


@pytest.mark.parametrize(
    ("ratio", "text"),
    [
        (0.314159, "0.314"),
        (1.0, "1"),
        (1.0004, "1.0004"),
        (0.99999, "0.99999"),
        (1.7976931348623157e308, "∞"),
        (None, "none"),
    ],
)
def test_a_ratio_never_hides_its_side_of_one(ratio: float | None, text: str) -> None:
    assert ratio_text(ratio) == text


def test_numbers_are_exact_and_shares_are_not_rounded_away() -> None:
    assert value_text(0.10000000149011612) == "0.10000000149011612"
    assert value_text(0.10000000149011612, "float32") == "0.1"
    assert value_text(0.1, "float32") == "0.1"
    assert value_text(1 / 3, "float16") == "0.3333333333333333"
    assert value_text(1e300) == "1e+300"
    assert value_text("-inf") == "−∞"
    assert [share_text(s) for s in (1.0, 0.99999, 0.5, 1e-9, 0.0)] == ["100 %", "> 99.9 %", "50 %", "< 0.1 %", "0 %"]


def test_the_score_of_a_self_test_is_told_with_its_figures_and_a_missing_one_is_said() -> None:
    score = {"faults": {"float32": 123}, "caught": {"float32": 122}, "median": 1.0, "worst": 5, "compared": 12345,
             "alarms": 0}  # fmt: skip
    told = selftest_text(score)
    assert "122 of 123 in float32" in told
    assert "after 1 examples in the median and 5 at worst" in told
    assert "of 12,345 values of correct variants it raised 0 false alarms" in told
    assert selftest_text(None).startswith("No self-test was recorded")
