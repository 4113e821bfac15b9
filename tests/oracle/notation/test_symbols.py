"""The notation: the table in the guide, the fields that it names and the symbols in code are the same."""

from __future__ import annotations

from dataclasses import fields

import numpy as np
import pytest
from worlds.documents import table

from bnconform import Case, Outcome
from bnconform.contract.outcome import OUTPUTS
from bnconform.oracle.notation.evaluation import values_of
from bnconform.oracle.notation.expression import Symbol
from bnconform.oracle.notation.printing import TEXT, text
from bnconform.oracle.notation.symbols import GIVEN, INFERENCE, OUTPUT_LATEX, TRAINING


def expected_rows() -> list[list[str]]:
    given = [[TEXT.get(n, n), f"`{one.latex}`", f"`c.{n}`", field] for n, (one, field) in GIVEN.items()]
    batch = [[TEXT.get(one.name, one.name), f"`{one.latex}`", f"`c.{one.name}`", text(one.definition)]
             for one in (TRAINING.μ, TRAINING.v)]  # fmt: skip
    both = [
        [TEXT.get(one.name, one.name), f"`{one.latex}`", f"`c.{one.name}`",
         f"{text(one.definition)}; in inference {text(other.definition)}"]
        for one, other in ((TRAINING.r, INFERENCE.r), (TRAINING.h, INFERENCE.h))
    ]  # fmt: skip
    projection = [["P(t)", "`P(t)`", "`c.P(t)`", text(TRAINING.P(Symbol("t", "t", "rows")).definition)]]
    outputs = [[name, f"`{latex}`", f"`bn.{name}`", f"Outcome.{name}"] for name, latex in OUTPUT_LATEX.items()]
    return [*given, *batch, *both, *projection, *outputs]


def test_the_table_of_the_guide_is_that_of_the_code() -> None:
    assert table("specs/README.md", "Notation") == expected_rows()


def test_every_symbol_names_a_field_of_a_case_or_a_property() -> None:
    known = {field.name for field in fields(Case)} | {"rows"}
    named = {words.split(",")[0].removeprefix("Case.") for _, words in GIVEN.values()}
    assert named <= known


def test_every_output_of_an_outcome_has_its_symbol() -> None:
    assert set(OUTPUT_LATEX) == set(OUTPUTS)
    assert set(OUTPUT_LATEX) <= {field.name for field in fields(Outcome)}


def test_no_two_symbols_are_printed_alike() -> None:
    printed = [one.latex for one, _ in GIVEN.values()] + [TRAINING.μ.latex, TRAINING.v.latex, "r", TRAINING.h.latex]
    assert len(set(printed)) == len(printed)


def test_a_symbol_that_is_none_is_named_with_those_that_are() -> None:
    with pytest.raises(AttributeError, match="'gamma' is no symbol of the notation; expected one of x, γ, β"):
        TRAINING.gamma  # noqa: B018  # it is to raise


@pytest.mark.parametrize("name", GIVEN)
def test_every_symbol_has_values(name: str, whole: Case) -> None:
    shapes = {"rows": (whole.rows, whole.channels), "channel": (whole.channels,), "number": ()}
    assert values_of(whole, name).shape == shapes[GIVEN[name][0].shape]


@pytest.fixture
def whole() -> Case:
    """A case that has every array."""
    rows, channel = np.arange(6.0).reshape(3, 2), np.ones(2)
    return Case(
        mode="train", x=rows, gamma=channel, beta=channel, running_mean=channel, running_var=channel, eps=0.5,
        momentum=0.25, dy=rows, dot_x=rows, dot_gamma=channel, dot_beta=channel, bar_dx=rows, bar_dgamma=channel,
        bar_dbeta=channel, dmean=channel, dvar=channel, bar_grad_x=rows,
    )  # fmt: skip
