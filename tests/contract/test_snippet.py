"""A snippet is text that could run in a script: sent between processes as it is, refused where it could not."""

from __future__ import annotations

import json
from typing import Any

import pytest

from bnconform import Implementation, Outcome, Snippet
from bnconform.contract.errors import ContractError
from bnconform.contract.implementation import Described

CODE = "def run():\n    return {'y': VALUES['x']}\n"


def described(**stated: Any) -> Described:
    return Described.of(Implementation(name="a.bn", run=lambda case: Outcome(), version="2.1", **stated))


def test_a_description_keeps_its_snippet_and_its_versions() -> None:
    one = described(snippet=Snippet(code=CODE, needs="a"), versions={"a-lib": "2.1", "b": "3"})
    assert Described.from_json(json.loads(json.dumps(one.to_json()))) == one
    assert (one.snippet, one.versions) == (Snippet(code=CODE, needs="a"), {"a-lib": "2.1", "b": "3"})


def test_what_is_not_known_of_a_later_version_is_left_out() -> None:
    assert Snippet.from_json({**Snippet(code=CODE).to_json(), "later": 1}) == Snippet(code=CODE)


def test_without_distributions_the_version_is_that_of_the_namespace() -> None:
    assert described().versions == {"a": "2.1"}


@pytest.mark.parametrize(
    ("stated", "expected"),
    [
        ({"code": "y = VALUES['x']"}, r"Snippet\.code is .*; expected that it defines the function run\(\)"),
        ({"code": "def run(:"}, r"Snippet\.code is no Python: .*; expected source text"),
        ({"code": CODE, "imports": "import a"}, r"Snippet\.imports are 'import a'; expected 'import sys"),
        ({"code": CODE, "imports": "import numpy, sys"}, r"expected 'import sys.*import numpy as np' among them"),
        ({"code": 3}, r"Snippet\.code is 3; expected a text"),
    ],
)
def test_what_could_not_run_is_refused(stated: dict[str, Any], expected: str) -> None:
    with pytest.raises(ContractError, match=expected):
        Snippet(**stated)


@pytest.mark.parametrize(
    ("stated", "expected"),
    [
        ({"snippet": CODE}, r"a\.bn: snippet is .*; expected a bnconform\.Snippet"),
        ({"versions": ["a"]}, r"a\.bn: versions is \['a'\]; expected versions by distribution, as texts"),
        ({"versions": {"a": 2.1}}, r"a\.bn: versions is \{'a': 2\.1\}; expected"),
    ],
)
def test_a_wrong_field_of_an_implementation_is_refused(stated: dict[str, Any], expected: str) -> None:
    with pytest.raises(ContractError, match=expected):
        described(**stated)
