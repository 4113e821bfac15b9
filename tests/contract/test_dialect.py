"""A Dialect takes the choices that it knows and refuses others by name."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

import pytest

from bnconform import Dialect
from bnconform.contract.dialect import CHOICES
from bnconform.contract.errors import ContractError


@pytest.mark.parametrize("name", CHOICES)
def test_every_choice_can_be_declared(name: str) -> None:
    assert [getattr(Dialect(**{name: value}), name) for value in CHOICES[name]] == list(CHOICES[name])


def test_every_field_but_the_links_has_its_choices() -> None:
    assert {field.name for field in fields(Dialect)} == {*CHOICES, "links"}


def test_without_declarations_the_paper_holds() -> None:
    paper = Dialect()
    assert (paper.running_var, paper.variance, paper.average) == ("unbiased", "two-pass", "exponential")
    assert {getattr(paper, name) for name in CHOICES if name.endswith("_dtype")} == {None}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"running_var": "sample"}, r"Dialect\.running_var is 'sample'; expected one of \('unbiased', 'biased'\)"),
        ({"stats_dtype": "float8"}, r"Dialect\.stats_dtype is 'float8'; expected one of \(None, 'float16'"),
        ({"attribute_dtype": "float64"}, r"Dialect\.attribute_dtype is 'float64'; expected one of"),
        ({"links": {"epsilon": "https://example.org"}}, r"Dialect\.links names 'epsilon'; expected a field of Dialect"),
    ],
)
def test_another_choice_is_refused_by_name(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ContractError, match=message):
        Dialect(**changes)
