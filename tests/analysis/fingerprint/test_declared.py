"""What was inferred contradicts a Dialect, agrees with it, or is better than it, as each field means it."""

from __future__ import annotations

import pytest

from bnconform import Dialect
from bnconform.analysis.fingerprint.declared import compared
from bnconform.analysis.fingerprint.inferred import Inferred

WIDE = Dialect(stats_dtype="float32", params_dtype="float32")


def relation(property: str, value: str | None, dialect: Dialect = WIDE, dtype: str = "float16") -> str:
    (found,) = compared([Inferred(property=property, value=value)], dialect, dtype)
    return found.relation


@pytest.mark.parametrize(
    ("property", "value", "dialect", "expected"),
    [
        ("statistics summed in", "float16", WIDE, "contradicts"),
        ("statistics summed in", "float32", WIDE, "agrees"),
        ("statistics summed in", "float64", WIDE, "better"),
        ("statistics summed in", "float16", Dialect(), "agrees"),
        ("statistics kept in", "float16", WIDE, "contradicts"),
        ("statistics kept in", "float16", Dialect(stats_dtype="float32", stored_dtype="float16"), "agrees"),
        ("cotangents summed in", "float16", WIDE, "contradicts"),
        ("cotangents summed in", "float32", Dialect(stats_dtype="float32", cotangent_dtype="float16"), "better"),
        ("elementwise arithmetic", "float16", WIDE, "contradicts"),
        ("running variance", "biased", WIDE, "contradicts"),
        ("running variance", "biased", Dialect(running_var="biased"), "agrees"),
        ("running average", "cumulative", WIDE, "contradicts"),
        ("variance algorithm", "one-pass", WIDE, "contradicts"),
        ("variance algorithm", "Welford-like", WIDE, "agrees"),
        ("variance algorithm", "two-pass or Welford-like", WIDE, "agrees"),
        ("variance algorithm", "two-pass", Dialect(variance="one-pass"), "better"),
        ("variance algorithm", "one-pass", Dialect(variance="one-pass"), "agrees"),
        ("negative variance", "occurs", WIDE, "contradicts"),
        ("negative variance", "clamped", Dialect(clamps_variance=False), "better"),
        ("dγ in inference", "uncentred", WIDE, "contradicts"),
        ("dγ in inference", "centred", Dialect(backward="uncentred"), "better"),
        ("single value", "raises", WIDE, "contradicts"),
        ("single value", "zero", Dialect(single_value="raises"), "contradicts"),
        ("single value", "NaN", WIDE, "contradicts"),
        ("ε in training", "outside the root", WIDE, "contradicts"),
        ("momentum", "weighs the old", WIDE, "contradicts"),
        ("variance in y", "biased", WIDE, "agrees"),
    ],
)
def test_a_property_is_held_against_its_field(property: str, value: str, dialect: Dialect, expected: str) -> None:
    assert relation(property, value, dialect) == expected


@pytest.mark.parametrize(
    ("value", "dialect", "expected"),
    [
        ("float32", Dialect(), "contradicts"),
        ("float32", Dialect(attribute_dtype="float32"), "agrees"),
        ("float64", Dialect(attribute_dtype="float32"), "better"),
    ],
)
def test_settings_are_held_against_the_type_of_attributes(value: str, dialect: Dialect, expected: str) -> None:
    assert relation("ε and momentum kept in", value, dialect, "float64") == expected


def test_a_field_counts_for_narrower_data_only() -> None:
    assert relation("statistics summed in", "float32", WIDE, "float64") == "contradicts"
    assert relation("statistics summed in", "float64", WIDE, "float64") == "agrees"


@pytest.mark.parametrize("property", ["statistics summed in", "variance algorithm", "ε in training", "single value"])
def test_undecided_contradicts_nothing(property: str) -> None:
    assert relation(property, None) == ""


@pytest.mark.parametrize("property", ["elementwise arithmetic", "statistics kept in"])
def test_what_16_bits_do_not_show_contradicts_no_float64(property: str) -> None:
    wide = Dialect(stats_dtype="float64")
    assert relation(property, "float32", wide) == ""
    assert relation(property, "float16", wide) == "contradicts"
    assert relation(property, "float32", Dialect(), "float64") == "contradicts"


@pytest.mark.parametrize("property", ["order of the sums", "inference", "subnormal results", "empty batch"])
def test_what_no_field_speaks_of_is_told_alone(property: str) -> None:
    (found,) = compared([Inferred(property=property, value="in parts")], WIDE, "float32")
    assert (found.field, found.declared, found.relation) == ("", "", "")
