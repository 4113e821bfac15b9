"""Ratios of errors to bounds at the values that a division gets wrong."""

from __future__ import annotations

import numpy as np
import pytest

from bnconform.oracle.bounds.ratios import ratios


@pytest.mark.parametrize(
    ("error", "allowance", "ratio"),
    [
        (0.5, 0.25, 2.0),
        (-0.5, 0.25, 2.0),
        (0.0, 0.25, 0.0),
        (0.0, 0.0, 0.0),
        (1e-300, 0.0, np.inf),
        (np.nan, 0.25, np.inf),
        (np.inf, 0.25, np.inf),
        (0.5, np.inf, 0.0),
        (np.inf, np.inf, np.inf),
    ],
)
def test_the_ratio_of_an_error_to_its_bound(error: float, allowance: float, ratio: float) -> None:
    assert ratios(np.array([error]), np.array([allowance])).tolist() == [ratio]


def test_one_bound_serves_all_errors() -> None:
    assert ratios(np.array([[1.0, -2.0], [0.0, np.nan]]), 2.0).tolist() == [[0.5, 1.0], [0.0, np.inf]]
