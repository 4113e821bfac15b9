"""Every output that a Case asks for is expected once, by an Outcome's name, with its value and a bound of its shape."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from worlds.reference_cases import make

from bnconform import Case, Dialect
from bnconform.oracle import reference
from bnconform.oracle.expected import Expected, expected

AVERAGES, GRADIENTS = {"running_mean", "running_var"}, {"dx", "dgamma", "dbeta"}
BARE = {"dy": None, "running_mean": None, "running_var": None}


def by_name(case: Case, dialect: Dialect | None = None) -> dict[str, Expected]:
    found = list(expected(case, dialect or Dialect()))
    assert len({one.name for one in found}) == len(found)
    return {one.name: one for one in found}


def directions(case_rows: int, *names: str) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(5)
    return {name: rng.standard_normal((case_rows, 2) if name in ("dot_x", "bar_dx") else 2) for name in names}


@pytest.mark.parametrize(
    ("changes", "names"),
    [
        ({}, {"y"} | AVERAGES | GRADIENTS),
        ({"dy": None}, {"y"} | AVERAGES),
        (BARE, {"y"}),
        ({"mode": "infer"}, {"y"} | AVERAGES | GRADIENTS),
        (BARE | directions(9, "dot_x"), {"y", "dot_y"}),
        (
            {"running_mean": None, "running_var": None} | directions(9, "bar_dx"),
            {"y", "grad_x", "grad_gamma", "grad_dy"} | GRADIENTS,
        ),
    ],
)
def test_what_the_case_asks_for_is_expected(changes: dict[str, Any], names: set[str]) -> None:
    case = make(0, 9, **changes)
    found = by_name(case)
    assert set(found) == names
    for one in found.values():
        assert one.value.shape == one.within.allowance.shape
        assert (one.within.allowance >= 0).all()


def test_y_is_of_the_mode() -> None:
    train, infer = make(1, 9), make(1, 9, mode="infer")
    assert np.array_equal(by_name(train)["y"].value, reference.normalize(train))
    assert np.array_equal(by_name(infer)["y"].value, reference.infer(infer))


def test_inference_keeps_its_averages_to_the_bit() -> None:
    case = make(2, 9, mode="infer", dtype="float32")
    found = by_name(case)
    for name in AVERAGES:
        assert np.array_equal(found[name].value, getattr(case, name).astype(np.float64))
        assert not found[name].within.allowance.any()


def test_the_running_variance_is_as_declared() -> None:
    case = make(3, 9)
    unbiased, biased = (by_name(case, Dialect(running_var=kind))["running_var"] for kind in ("unbiased", "biased"))
    assert np.array_equal(unbiased.value, reference.running_var(case, 1))
    assert np.array_equal(biased.value, reference.running_var(case, 0))
    assert not np.array_equal(unbiased.value, biased.value)
