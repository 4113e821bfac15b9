"""Outputs of large cases, compared whole by the few rows that differ."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from bnconform import Dialect
from bnconform.analysis.faults import RIGHT, perform
from bnconform.cases.sentinels import sentinels
from bnconform.cases.shapes import Layout
from bnconform.engine.large import sizes
from bnconform.engine.spec import Subject

DIALECT = Dialect(stats_dtype="float32", params_dtype="float32")
NAMES = ("y", "dx", "dgamma", "dbeta", "running_mean", "running_var")


def case_of(mode="train"):
    return sentinels("float32", mode, layout=Layout((2, 57, 55), 7, 1), settings=(1e-3, 0.1), seed=4)


def compared(case, change=lambda outcome: outcome, *names):
    bn = Subject(lambda asked: change(perform(RIGHT, asked)), DIALECT)
    return list(sizes.outputs(bn, case, *(names or NAMES)))


@pytest.mark.parametrize("mode", ["train", "infer"])
def test_a_right_implementation_agrees_in_every_element(mode):
    case = case_of(mode)
    found = compared(case, lambda outcome: outcome, *NAMES[: 6 if mode == "train" else 4])
    assert {one.verdict for one in found} == {"conforms"}
    assert found[0].total == found[0].compared == case.x.size
    assert found[0].claimed > 0.9 * case.x.size


@pytest.mark.parametrize("place", [(0, 0, 0, 0), (1, 6, 56, 54), (1, 3, 20, 21)])
def test_a_wrong_element_is_named(place):
    def change(outcome):
        y = outcome.y.copy()
        y[place] += 1
        return replace(outcome, y=y)

    (found,) = compared(case_of(), change, "y")
    assert found.verdict == "fails"
    assert found.index == place
    assert found.output == "y"


def test_an_output_that_is_not_offered_is_said_to_be_missing():
    (found,) = compared(case_of(), lambda outcome: replace(outcome, dx=None), "dx")
    assert found.missing is not None
    assert found.missing.kind == "not offered"


def test_a_small_case_has_the_ordinary_bounds():
    case = sentinels("float32", "train", layout=Layout((40,), 3, 1), settings=(1e-3, 0.1), seed=4)
    (found,) = compared(case, lambda outcome: outcome, "y")
    bn = Subject(lambda asked: perform(RIGHT, asked), DIALECT)
    assert np.array_equal(found.allowance, bn.agrees(case, "y").allowance)
