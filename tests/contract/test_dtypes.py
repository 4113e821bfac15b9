"""Dtypes have the names that records and messages use, and are found by them."""

from __future__ import annotations

import ml_dtypes
import numpy as np
import pytest

from bnconform.contract.dtypes import DTYPES, STATE_DTYPES, dtype_name, dtype_named


@pytest.mark.parametrize("name", STATE_DTYPES)
def test_a_dtype_is_found_by_its_name(name: str) -> None:
    assert dtype_name(dtype_named(name)) == name


def test_bfloat16_is_that_of_ml_dtypes() -> None:
    assert dtype_named("bfloat16") == np.dtype(ml_dtypes.bfloat16)


@pytest.mark.parametrize("name", DTYPES)
def test_the_byte_order_is_no_part_of_the_name(name: str) -> None:
    assert dtype_name(dtype_named(name).newbyteorder(">")) == name
