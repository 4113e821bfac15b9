"""The chapter of mixed precision: what rounds parameters or averages to the type of the data is seen by it alone."""

from __future__ import annotations

import numpy as np
import pytest
from worlds import mixed_miniatures
from worlds.searches import SPECS, Here, implementation, searched, verdicts, words

from bnconform.engine.book import all_specs

CHAPTER = [one.id for one in all_specs() if one.chapter == "mixed_precision"]
PLAIN = [
    one.id
    for one in all_specs()
    if one.chapter in ("normalization", "running_statistics", "inference", "gradients")
    and one.given.derivatives == "first"
    and one.given.channels == "mixed"
]
"""What is stated of parameters as narrow as the data."""
SEEN_BY = {
    "parameters_cast": {
        "normalizes_by_parameters_of_a_wider_type",
        "sends_gradients_by_parameters_of_a_wider_type",
        "infers_by_statistics_of_a_wider_type",
        "sends_gradients_past_statistics_of_a_wider_type",
    },
    "averages_cast": {"averages_in_the_type_of_the_averages", "infers_by_statistics_of_a_wider_type"},
    "new_averages_cast": {"averages_in_the_type_of_the_averages"},
    "epsilon_cast": {"adds_an_epsilon_of_a_wider_type"},
    "gradients_cast": {"sums_gradients_in_the_type_of_the_parameters"},
}


def mixed(name: str) -> Here:
    return Here(next(one for one in mixed_miniatures.IMPLEMENTATIONS if one.name == f"mixed.{name}"))


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_a_right_one_conforms(dtype: str) -> None:
    assert set(verdicts(searched(mixed("right"), *CHAPTER, dtype=dtype, examples=20)).values()) == {"conforms"}


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
@pytest.mark.parametrize("name", SEEN_BY)
def test_a_wrong_one_is_told_by_what_states_it(name: str, dtype: str) -> None:
    found = verdicts(searched(mixed(name), *SEEN_BY[name], dtype=dtype, examples=5))
    assert found == dict.fromkeys(SEEN_BY[name], "fails")


@pytest.mark.parametrize("name", ["right", "parameters_cast", "gradients_cast"])
def test_no_statement_of_narrow_parameters_sees_it(name: str) -> None:
    found = verdicts(searched(mixed(name), *PLAIN, dtype="float16", examples=5))
    assert "fails" not in found.values()
    assert "conforms" in found.values()


def test_data_of_32_bits_are_asked_nothing() -> None:
    about = implementation(lambda case: pytest.fail("it was asked"), features={"wide_parameters"})
    tallies = searched(about, *CHAPTER, dtype="float32")
    assert set(verdicts(tallies).values()) == {"unsupported"}
    assert all(words(one) == {"data of 16 bits only have parameters of a wider type"} for one in tallies.values())


def test_an_implementation_without_the_feature_never_gets_such_a_case() -> None:
    host = Here(implementation(lambda case: pytest.fail("it was asked")))
    assert set(verdicts(searched(host, *CHAPTER, dtype="float16", examples=3)).values()) == {"unsupported"}
    assert host.asked == []


@pytest.mark.parametrize("name", ["parameters_cast", "averages_cast", "epsilon_cast"])
def test_a_witness_is_small_and_keeps_the_types_apart(name: str) -> None:
    spec = next(iter(sorted(SEEN_BY[name])))
    seen = searched(mixed(name), spec, dtype="float16")[spec].failure
    assert seen is not None
    assert seen.case.x.size <= 16
    assert {seen.case.x.dtype, seen.case.running_var.dtype} == {np.dtype("float16"), np.dtype("float32")}
    assert SPECS[spec].given.condition.admits(seen.case)
