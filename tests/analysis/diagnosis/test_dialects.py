"""A fault is named beside the choices that an implementation declares: its formulas are those of the dialect."""

from __future__ import annotations

import numpy as np
import pytest
from worlds import planted
from worlds.drawing import DTYPES

from bnconform import Dialect
from bnconform.analysis.diagnosis.prediction import in_dialect
from bnconform.analysis.faults import FAULTS, RIGHT, Fault, values
from bnconform.analysis.faults.calculation import Formula
from bnconform.analysis.selftest.power import drawn_of
from bnconform.cases.strategies import cases

BIASED = Dialect(running_var="biased", stats_dtype="float32", params_dtype="float32")
DECLARED = {"biased_variance_averaged"}
"""What is no fault where it is declared."""
AVERAGED = [one for one in FAULTS if "variance_averaged" in one.formulas and one.name not in DECLARED]


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("fault", AVERAGED, ids=lambda one: one.name)
def test_a_wrong_running_variance_is_named_where_a_biased_one_is_declared(fault: Fault, dtype: str) -> None:
    found = planted.diagnosed_in(BIASED, fault, dtype)
    assert found.spec is not None
    assert found.first, found


# Written out, without the quantity by which the catalogue follows a dialect.
UNCORRECTED: dict[str, Formula] = {
    "deviation_averaged": lambda c: c.sqrt(c.variance),
    "variance_about_the_new_running_mean": lambda c: c.average((c.x - c.running_mean) * (c.x - c.running_mean)),
    "epsilon_in_the_running_variance": lambda c: c.variance + c.eps,
    "mean_square_averaged": lambda c: c.average(c.x * c.x),
    "reciprocal_root_averaged": lambda c: c.r,
}


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", UNCORRECTED)
def test_a_fault_without_the_correction_is_named_where_there_is_to_be_none(name: str, dtype: str) -> None:
    written = Fault(name=name, chapter="", sentence="", formulas={"variance_averaged": UNCORRECTED[name]})
    found = planted.diagnosed_in(BIASED, written, dtype)
    assert found.first, found


def test_a_biased_running_variance_is_no_fault_where_it_is_declared() -> None:
    case = drawn_of(cases(mode="train"), "float32", 1)[0]
    for one in FAULTS:
        if one.name in DECLARED:
            found, right = (values(in_dialect(each, BIASED), case)["running_var"] for each in (one, RIGHT))
            np.testing.assert_array_equal(found, right)
