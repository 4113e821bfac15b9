"""Equations of specs: a right implementation keeps each, and breaks it as soon as one slip of the pen is in it.

A right implementation here is one that returns what the careful reference computes.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import cache

import numpy as np
import pytest
from worlds.drawing import DTYPES
from worlds.mutants import mutants, substituted

from bnconform import Case, Dialect, Outcome
from bnconform.cases.strategies import Given, Traits, cases
from bnconform.contract.outcome import ELEMENTWISE
from bnconform.engine.book import all_specs
from bnconform.engine.drawing import drawn
from bnconform.engine.equation import Equation
from bnconform.engine.spec import Spec, Subject
from bnconform.oracle.notation.canonical import canonical
from bnconform.oracle.notation.evaluation import DoubleDoubles, Evaluation
from bnconform.oracle.notation.expression import Expression, Number
from bnconform.oracle.notation.formulas import FORMULAS
from bnconform.oracle.notation.symbols import INFERENCE, TRAINING

GIVEN = {"train": cases(mode="train"), "infer": cases(mode="infer")}
EQUATIONS = [one for one in all_specs() if one.equations]
TELLING = 6
"""How many cases are tried: the smallest of those that are drawn, as one element that differs is enough."""


def cases_of(given: Given, dtype: str) -> list[Case]:
    """Returns the smallest cases of which the statement is asked; the smallest of all where it is asked of none."""
    every = drawn_of(given, dtype)
    return ([case for case in every if given.condition.admits(case)] or every)[:TELLING]


@cache
def drawn_of(given: Given, dtype: str) -> list[Case]:
    traits = Traits(dtype=dtype, default_eps=1e-3, default_momentum=0.1)
    # Of each kind of layer there is to be one.
    return sorted(drawn(given.strategy(traits), 60 if given.derivatives == "fold" else 20), key=lambda c: c.x.size)


def right(spec: Spec, dialect: Dialect) -> Subject:
    """Returns an implementation that returns what the reference computes for the spec's equations."""

    def ask(case: Case) -> Outcome:
        values = {one.output: one.formula.value(case) for one in spec.equations}
        return Outcome(**{name: _in_type(name, array, case) for name, array in values.items()})

    return Subject(ask, dialect)


def _in_type(name: str, array: np.ndarray, case: Case) -> np.ndarray:
    with np.errstate(over="ignore"):
        return array.astype(case.x.dtype) if name in ELEMENTWISE else array


def test_at_least_thirty_five_specs_are_equations_that_run() -> None:
    assert len(EQUATIONS) >= 35


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("spec", EQUATIONS, ids=[one.id for one in EQUATIONS])
def test_a_right_implementation_keeps_it(spec: Spec, dtype: str) -> None:
    telling = "float32" if "float32" in spec.given.condition.dtypes else "float16"
    dialect = Dialect() if telling == "float32" else Dialect(stats_dtype="float32", params_dtype="float32")
    found = [spec.judge(right(spec, dialect), case) for case in cases_of(spec.given, dtype)]
    assert {one.verdict for one in found} <= {"conforms", "unsupported"}
    assert dtype != telling or "conforms" in {one.verdict for one in found}


def wrong_ones(spec: Spec) -> Iterator[tuple[str, Equation, Equation]]:
    for one in spec.equations:
        for words, expression in mutants(one.right).items():
            yield f"{one.output}: {words}", one, replace(one, right=expression)


@pytest.mark.parametrize("spec", EQUATIONS, ids=[one.id for one in EQUATIONS])
def test_every_slip_of_the_pen_is_caught(spec: Spec) -> None:
    tried = [spec.asked(case) for case in cases_of(spec.given, "float64")]
    wrong = [one for one in wrong_ones(spec) if not _means_the_same(*one[1:], tried)]
    assert len(wrong) >= 2 * len(spec.equations)
    assert [words for words, equation, slip in wrong if not is_caught(equation, slip, tried)] == []


def _means_the_same(one: Equation, other: Equation, tried: list[Case]) -> bool:
    """Whether two equations are one where the cases have no γ, or no cotangent of its gradient."""
    right_one, wrong = one.right, other.right
    for symbol, field, absent in ((TRAINING.γ, "gamma", 1), (TRAINING.p, "bar_dgamma", 0)):
        if all(getattr(case, field) is None for case in tried):
            right_one, wrong = (substituted(side, symbol, Number(absent)) for side in (right_one, wrong))
    return canonical(right_one) == canonical(wrong)


def is_caught(equation: Equation, wrong: Equation, tried: list[Case]) -> bool:
    return any(wrong.compared(_outcome(equation, case), case, Dialect()).verdict == "fails" for case in tried)


def _outcome(equation: Equation, case: Case) -> Outcome:
    return Outcome(**{equation.output: equation.formula.value(case)})


def test_most_equations_are_among_the_formulas_of_the_reference() -> None:
    known = {(one.output, one.mode, canonical(one.expression)) for one in FORMULAS}
    written = {
        (spec.id, one.output): (one.output, one.mode, canonical(one.right)) in known
        for spec in EQUATIONS
        for one in spec.equations
    }
    assert {key for key, found in written.items() if not found} == {
        ("gives_the_shift_for_a_constant_channel", "y"),
        ("folds_into_a_layer_without_a_bias", "folded_bias"),
        ("folds_a_normalization_without_scale_and_shift", "folded_weight"),
        ("folds_a_normalization_without_scale_and_shift", "folded_bias"),
    }


def test_a_slip_in_a_definition_is_caught() -> None:
    """μ, σ², r, x̂ and P are defined once for all equations: each formula that uses them holds their definitions too."""
    for mode, given in GIVEN.items():
        symbols = TRAINING if mode == "train" else INFERENCE
        tried = cases_of(given, "float64")
        of_the_batch = (symbols.μ, symbols.v) if mode == "train" else ()
        for defined in (symbols.r, symbols.h, symbols.P(symbols.g), *of_the_batch):
            for words, expression in mutants(defined.definition).items():
                assert any(_differ(defined.definition, expression, case) for case in tried), (mode, defined.name, words)


def _differ(right_one: Expression, wrong: Expression, case: Case) -> bool:
    values = Evaluation(case, DoubleDoubles())
    one, other = np.broadcast_arrays(values.rounded(right_one), values.rounded(wrong))
    return bool((np.abs(one - other) > 1e-6 * np.abs(one)).any())
