"""What is drawn follows from the seed, whatever code of the user's lies beside it."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

from bnconform.engine.drawing import drawn

CONSTANT = 3141592653
NUMBERS = st.integers(0, 2**32 - 1)


@pytest.fixture
def beside_it(tmp_path: Path) -> Iterator[None]:
    """A module of the user's own that holds the constant."""
    path = tmp_path / "code_of_the_user.py"
    path.write_text(f"SEED = {CONSTANT}\n")
    found = importlib.util.spec_from_file_location("code_of_the_user", path)
    assert found is not None
    assert found.loader is not None
    sys.modules["code_of_the_user"] = module = importlib.util.module_from_spec(found)
    found.loader.exec_module(module)
    yield
    del sys.modules["code_of_the_user"]


def by_hypothesis_alone(count: int) -> list[int]:
    numbers: list[int] = []

    @seed(0)
    @settings(max_examples=count, database=None, deadline=None, phases=(Phase.generate,),
              suppress_health_check=list(HealthCheck))  # fmt: skip
    @given(NUMBERS)
    def take(number: int) -> None:
        numbers.append(number)

    take()
    return numbers


@pytest.mark.usefixtures("beside_it")
def test_constants_of_the_users_code_are_not_drawn() -> None:
    assert CONSTANT in by_hypothesis_alone(2000), (
        "Hypothesis draws no such constants any more: engine/reproducible goes"
    )
    assert CONSTANT not in drawn(NUMBERS, 2000)


def test_the_same_is_drawn_beside_other_code(request: pytest.FixtureRequest) -> None:
    before = drawn(NUMBERS, 200)
    request.getfixturevalue("beside_it")
    assert drawn(NUMBERS, 200) == before
