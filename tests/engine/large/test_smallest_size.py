"""The smallest size at which a failure of a large case still shows."""

from __future__ import annotations

import numpy as np
import pytest

from bnconform.cases.sentinels import sentinels
from bnconform.cases.shapes import Layout
from bnconform.engine.agreement import Judgement, hold
from bnconform.engine.large.smallest_size import layout_of, smallest_size
from bnconform.engine.tally import Seen

LARGE = Layout((9, 40, 30), 12, 1)


def judging(is_wrong):
    return lambda case: Judgement(agreements=(hold(np.array([not is_wrong(case)]), quantity="y"),))


def smallest(is_wrong, layout=LARGE):
    judge = judging(is_wrong)
    case = sentinels("float32", "train", layout=layout, settings=(1e-3, 0.1), seed=1)
    return smallest_size(Seen(case, judge(case)), judge, 7).case


def test_the_number_of_rows_is_found_exactly():
    found = smallest(lambda case: case.rows > 515, Layout((9000,), 12, -1))
    assert found.x.shape == (516, 1)


def test_the_number_of_channels_is_found_exactly():
    assert smallest(lambda case: case.channels >= 7).channels == 7


def test_an_extent_that_matters_stays():
    found = smallest(lambda case: case.x.shape[2] % 4 == 0 and case.x.shape[2] > 16)
    assert found.x.shape[2] % 4 == 0
    assert found.x.shape[:2] == (1, 1)
    assert found.x.shape[3] == 1


def test_what_shows_in_that_case_alone_is_kept():
    case = sentinels("float32", "train", layout=LARGE, settings=(1e-3, 0.1), seed=1)
    judge = judging(lambda one: one is case)
    assert smallest_size(Seen(case, judge(case)), judge, 7).case is case


@pytest.mark.parametrize("layout", [LARGE, Layout((5,), 3, -1), Layout((5, 2), 3, 1)])
def test_the_layout_of_a_case_is_the_one_it_was_made_in(layout):
    case = sentinels("float32", "infer", layout=layout, settings=(1e-3, 0.1), seed=1)
    assert layout_of(case).shape == layout.shape
