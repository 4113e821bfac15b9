"""Reductions are over the rows of each column; no rows are a sum and a peak of zero."""

from __future__ import annotations

import numpy as np

from bnconform.oracle.reference.reductions import peaks, totals

ROWS = np.array([[1.0, -2.0, 0.5], [3.0, 5.0, 0.25]])


def test_totals_are_sums_of_columns() -> None:
    assert totals(ROWS).tolist() == [4.0, 3.0, 0.75]


def test_peaks_are_the_largest_of_columns() -> None:
    assert peaks(np.abs(ROWS)).tolist() == [3.0, 5.0, 0.5]


def test_no_rows_are_zero() -> None:
    assert totals(ROWS[:0]).tolist() == peaks(ROWS[:0]).tolist() == [0.0, 0.0, 0.0]
