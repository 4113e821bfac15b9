"""Faults that a property of the fingerprint describes are named by it, and variants that round otherwise are not."""

from __future__ import annotations

import pytest
from worlds.drawing import DTYPES
from worlds.fingerprints import contradictions, inferred

from bnconform.analysis.faults import adapter

IMPLEMENTATIONS = {one.name: one for one in adapter.IMPLEMENTATIONS}
BOTH = ("ε in training", "ε in inference")
NARROW = ("float16", "bfloat16")
SAID = {
    "epsilon_outside_the_root": dict.fromkeys(BOTH, "outside the root"),
    "root_of_epsilon_added": dict.fromkeys(BOTH, "its root outside the root"),
    "epsilon_added_to_the_reciprocal": dict.fromkeys(BOTH, "inside the root and outside"),
    "epsilon_as_a_floor": dict.fromkeys(BOTH, "a floor of the variance"),
    "epsilon_twice": dict.fromkeys(BOTH, "twice"),
    "epsilon_squared": dict.fromkeys(BOTH, "squared"),
    "epsilon_missing": {**dict.fromkeys(BOTH, "missing"), "single value": "NaN"},
    "epsilon_missing_in_training": {"ε in training": "missing", "single value": "NaN"},
    "epsilon_missing_in_inference": {"ε in inference": "missing"},
    "unbiased_variance_in_y": {"variance in y": "unbiased"},
    "biased_variance_averaged": {"running variance": "biased"},
    "correction_applied_twice": {"running variance": "corrected twice"},
    "correction_turned_over": {"running variance": "corrected upside down"},
    "momentum_complemented": {"momentum": "weighs the old"},
    "momentum_a_thousandth_too_large": {"momentum": "a weight of 0.2502 for 0.25"},
    "momentum_of_a_tenth": {"momentum": "a weight of 0.1 for 0.25"},
    "new_statistics_alone": {"momentum": "none: the new statistics replace the old"},
    "averages_never_updated": {"momentum": "none: the old statistics are kept"},
    "averages_updated_twice": {"momentum": "applied twice"},
    "old_mean_kept_whole": {"momentum": "none: the new are added to the whole of the old"},
    "dgamma_not_centred": {"dγ in inference": "uncentred"},
    "single_value_gives_nan": {"single value": "NaN"},
}
"""What is said of a fault, in every dtype, and nothing else."""


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", SAID)
def test_a_fault_is_named_and_nothing_else_is(name: str, dtype: str) -> None:
    assert contradictions(IMPLEMENTATIONS[f"faults.{name}"], dtype) == SAID[name]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(("name", "eps"), [("a_thousandth_too_large", "0.25025"), ("a_tenth_too_large", "0.275")])
def test_an_epsilon_of_another_size_is_measured(name: str, eps: str, dtype: str) -> None:
    found = contradictions(IMPLEMENTATIONS[f"faults.epsilon_{name}"], dtype)
    assert found == dict.fromkeys(BOTH, f"inside the root, {eps} for 0.25")


@pytest.mark.parametrize("dtype", DTYPES)
def test_a_mean_in_16_bits_is_told_from_one_in_more(dtype: str) -> None:
    found = contradictions(IMPLEMENTATIONS["faults.mean_summed_in_16_bits"], dtype)
    narrow = dtype if dtype in NARROW else "bfloat16"
    assert found.pop("statistics summed in") == narrow
    assert found == ({"statistics kept in": dtype} if dtype in NARROW else {})


@pytest.mark.parametrize("dtype", NARROW)
def test_a_mean_stored_in_16_bits_is_told(dtype: str) -> None:
    assert contradictions(IMPLEMENTATIONS["faults.mean_stored_in_16_bits"], dtype) == {"statistics kept in": dtype}


@pytest.mark.parametrize("dtype", DTYPES)
def test_one_pass_that_nobody_declared_is_told(dtype: str) -> None:
    found = contradictions(IMPLEMENTATIONS["faults.variance_in_one_pass"], dtype)
    assert found.pop("variance algorithm") == "one-pass"
    # Squares of bfloat16 fit into float32: data that hardly vary leave no variance below zero there.
    assert found == ({} if dtype == "bfloat16" else {"negative variance": "occurs"})


def test_float32_inside_float64_is_told_by_every_type() -> None:
    found = contradictions(IMPLEMENTATIONS["faults.float32_inside_float64"], "float64")
    names = ("elementwise arithmetic", "statistics summed in", "cotangents summed in")
    assert found == dict.fromkeys(names, "float32")


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_root_of_twelve_bits_is_told_by_the_arithmetic_that_explains_it(dtype: str) -> None:
    found = contradictions(IMPLEMENTATIONS["faults.reciprocal_root_of_twelve_bits"], dtype)
    assert found == {"elementwise arithmetic": "float16"}


VARIANTS = [(name, dtype) for name, one in IMPLEMENTATIONS.items() if name.startswith("variants.")
            for dtype in DTYPES if dtype in one.dtypes]  # fmt: skip


@pytest.mark.parametrize(("name", "dtype"), VARIANTS)
def test_a_correct_variant_contradicts_nothing(name: str, dtype: str) -> None:
    one, wide = IMPLEMENTATIONS[name], "float32" if dtype in NARROW and "narrow" not in name else dtype
    found = inferred(one, dtype)
    assert contradictions(one, dtype) == {}
    assert found["statistics summed in"].value == found["cotangents summed in"].value == wide


@pytest.mark.parametrize(("name", "dtype"), VARIANTS)
def test_a_correct_variant_is_never_taken_for_one_pass(name: str, dtype: str) -> None:
    found = inferred(IMPLEMENTATIONS[name], dtype)["variance algorithm"].value
    streamed = name.partition(":")[0] in ("variants.value_by_value", "variants.merged")
    assert found in (("Welford-like", "two-pass or Welford-like") if streamed else
                     ("two-pass", "two-pass or Welford-like"))  # fmt: skip
