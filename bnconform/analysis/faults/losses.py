"""Losses: rows, blocks, channels or counts that go astray in large cases alone, as kernels lose them.

Rules: every formula is right; a loss is of sums, of what is written, or of a count, and shows only at the sizes that
its name tells; small cases cannot show it, so that none takes part in the diagnosis of values.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from bnconform.analysis.faults.calculation import Calculation, Floats
from bnconform.analysis.faults.fault import Asked, Fault
from bnconform.contract.axes import from_rows, to_rows
from bnconform.contract.case import Case
from bnconform.contract.outcome import Outcome

SHORT = 2**16
"""How many numbers 16 bits hold."""
BLOCK = 256
THREADS = 8
LEAST = 2 * BLOCK
"""Fewer rows are added up by another path, which is right."""
Counted = Callable[[int], np.ndarray]
"""How often each of so many rows counts in a sum."""


class Astray(Floats):
    """Sums in which rows count as `counted` has it."""

    def __init__(self, dtype: str, counted: Counted) -> None:
        super().__init__(dtype)
        self._counted = counted

    def total(self, t: np.ndarray) -> np.ndarray:
        """Returns the sums of the columns."""
        if len(t) < LEAST:
            return super().total(t)
        return super().total(t * self._counted(len(t)).astype(self.dtype)[:, None])


def _sums(name: str, sentence: str, lost: Callable[[int], slice], times: float = 0.0) -> Fault:
    """Returns the loss of which the rows of a slice count so many times in every sum."""

    def counted(rows: int) -> np.ndarray:
        found = np.ones(rows)
        found[lost(rows)] = times
        return found

    return Fault(name=name, chapter="losses", sentence=sentence, numbers=lambda dtype: Astray(dtype, counted))


def _written(name: str, sentence: str, lost: Callable[[int, int], tuple[slice, slice]]) -> Fault:
    """Returns the loss of which those rows and channels of y and dx are not written, and stay 0."""

    def alter(case: Case, outcome: Outcome, _: Asked) -> Outcome:
        if case.rows < LEAST and case.channels < LEAST:
            return outcome
        kept = {}
        for one in ("y", "dx"):
            tensor = getattr(outcome, one)
            if tensor is not None:
                rows = to_rows(tensor, case.axis).copy()
                rows[lost(*rows.shape)] = 0
                kept[one] = from_rows(rows, case.x.shape, case.axis)
        return replace(outcome, **kept)

    return Fault(name=name, chapter="losses", sentence=sentence, alter=alter)


def _short_channels(case: Case, outcome: Outcome, _: Asked) -> Outcome:
    """The channel is counted in 16 bits, so that those beyond 65,535 have the parameters of the first."""
    if case.channels <= SHORT or outcome.y is None:
        return outcome
    y = to_rows(outcome.y, case.axis).copy()
    y[:, SHORT:] = y[:, : case.channels - SHORT]
    return replace(outcome, y=from_rows(y, case.x.shape, case.axis))


def _short_count(c: Calculation) -> float:
    return float(c.m % SHORT if c.m > SHORT else c.m)


LOSSES = (
    _sums("first_row_not_added", "Sums leave out the first row.", lambda rows: slice(0, 1)),
    _sums("last_row_not_added", "Sums leave out the last row.", lambda rows: slice(rows - 1, rows)),
    _sums("last_row_added_twice", "Sums count the last row twice.", lambda rows: slice(rows - 1, rows), 2.0),
    _sums("tail_of_four_not_added", "Sums leave out what is left beyond a multiple of four rows.",
          lambda rows: slice(rows - rows % 4, rows)),
    _sums("tail_of_a_block_not_added", "Sums leave out what is left beyond a multiple of 256 rows.",
          lambda rows: slice(rows - rows % BLOCK, rows)),
    _sums("second_block_not_added", "Sums leave out the second block of 256 rows.", lambda rows: slice(BLOCK, LEAST)),
    _sums("last_share_not_added", "Sums leave out the share of the last of eight threads.",
          lambda rows: slice(rows * (THREADS - 1) // THREADS, rows)),
    _sums("border_of_shares_added_twice", "The row at the border of two threads' halves counts twice.",
          lambda rows: slice(rows // 2, rows // 2 + 1), 2.0),
    _sums("rows_in_sixteen_bits", "Sums leave out the rows beyond 65,535.", lambda rows: slice(SHORT, rows)),
    _written("last_row_not_written", "The last row of y and dx is not written.",
             lambda rows, channels: (slice(rows - 1, rows), slice(None))),
    _written("tail_not_written", "What is left beyond a multiple of 256 rows is not written to y and dx.",
             lambda rows, channels: (slice(rows - rows % BLOCK, rows), slice(None))),
    _written("last_channel_not_written", "The last channel of y and dx is not written.",
             lambda rows, channels: (slice(None), slice(channels - 1, channels))),
    _written("channels_in_sixteen_bits", "Channels beyond 65,535 of y and dx are not written.",
             lambda rows, channels: (slice(None), slice(SHORT, channels))),
    Fault(name="channel_index_in_sixteen_bits", chapter="losses", alter=_short_channels,
          sentence="The channel is counted in 16 bits, so that those beyond 65,535 are the first again."),
    Fault(name="count_in_sixteen_bits", chapter="losses",
          sentence="The number of values is kept in 16 bits, so that means are of far too few.",
          formulas={"mean": lambda c: c.total(c.x) / _short_count(c),
                    "variance": lambda c: c.total(c.d * c.d) / _short_count(c)}),
)  # fmt: skip
"""What goes astray in large cases, by name."""
