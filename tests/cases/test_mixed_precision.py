"""Cases of mixed precision: data of 16 bits, and beside them parameters that 16 bits cannot hold."""

from __future__ import annotations

import numpy as np
import pytest
from worlds.drawing import draw

from bnconform import Case
from bnconform.cases.small import small_cases
from bnconform.cases.strategies import Traits, cases

KEPT = ("gamma", "beta", "running_mean", "running_var")
TRAINING = cases(mode="train", channels="wide")


def drawn(dtype: str, compiled: bool = False) -> list[Case]:
    return draw(TRAINING.strategy(Traits(dtype=dtype, compiled=compiled)), 60)


@pytest.mark.parametrize("compiled", [False, True])
@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_parameters_and_averages_are_float32_in_every_case(dtype: str, compiled: bool) -> None:
    for case in drawn(dtype, compiled):
        assert {case.x.dtype.name, case.dy.dtype.name} == {dtype}
        assert {one.dtype.name for name in KEPT if (one := getattr(case, name)) is not None} == {"float32"}
        assert case.needs == {"wide_parameters"}


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_there_is_what_16_bits_cannot_hold(dtype: str) -> None:
    found = drawn(dtype)
    with np.errstate(over="ignore"):
        for name in KEPT:
            held = [one == one.astype(dtype_of(case)) for case in found if (one := getattr(case, name)) is not None]
            assert np.concatenate(held).mean() < 0.3, name
    assert max(case.running_var.max() for case in found if case.running_var is not None) > 65504
    assert any(case.eps < 2.0**-25 for case in found)


def dtype_of(case: Case) -> np.dtype:
    return case.x.dtype


def test_all_data_and_cotangents_are_numbers() -> None:
    for case in drawn("float16"):
        assert all(np.isfinite(array.astype(float)).all() for array in (case.x, case.dy, case.running_var))


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_small_cases_have_parameters_of_a_wider_type_too(dtype: str) -> None:
    found = draw(small_cases(TRAINING, Traits(dtype=dtype)), 40)
    assert all(case.needs == {"wide_parameters"} and case.x.size <= 16 for case in found)
    assert any(case.gamma is not None and case.gamma[0] == np.float32(1.0003) for case in found)


def test_parameters_of_data_of_64_bits_are_as_wide_as_they() -> None:
    assert all(case.needs == set() for case in drawn("float64"))
