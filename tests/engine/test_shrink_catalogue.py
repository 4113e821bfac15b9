"""For every fault of the catalogue: a witness shows what was found, in few values, and they differ."""

from __future__ import annotations

import pytest

from bnconform.analysis.faults import FAULTS, Fault
from bnconform.analysis.selftest.trial import asking, first_broken, targets
from bnconform.engine.agreement import BAD
from bnconform.engine.book import all_specs
from bnconform.engine.search import shrink
from bnconform.engine.shrink import VARIED, grade
from bnconform.engine.tally import Effort, Seen, Tally
from bnconform.engine.target import Target
from bnconform.engine.witnesses.marks import Marks, marks_of

pytestmark = pytest.mark.slow
UNVARIED = {
    "single_value_poisons_the_average",
    "single_value_gives_nan",
    "empty_batch_poisons_the_averages",
    "constant_channel_gives_zero",
}
"""The faults that no values which differ can show, by what they are."""
DTYPES = ("float32", "float64", "bfloat16", "float16")


UNSHRUNK = {"shorter_parameters_repeated"}
"""Faults that two channels cannot show, as one value for two is a single one: small cases have no more, as yet."""


def one_of_each(target: Target) -> list[Tally]:
    """Returns the statements of the first family that shows the fault, one for each kind of failure among them."""
    tallies = [one for one in first_broken(target, asking(target), all_specs(), Effort()) if one.verdict in BAD]
    found: dict[Marks, Tally] = {marks_of(one.shown.judged): one for one in tallies if one.shown is not None}
    return list(found.values())


@pytest.mark.parametrize("fault", FAULTS, ids=[one.name for one in FAULTS])
def test_no_witness_shows_another_failure_than_the_one_that_was_found(fault: Fault) -> None:
    dtype = next(name for name in DTYPES if name in fault.dtypes)
    (target,) = targets([f"faults.{fault.name}"], [dtype])
    tallies = one_of_each(target)
    assert tallies, "no statement shows this fault"
    before = [one.shown for one in tallies]
    shrink(tallies, target, asking(target), 0)
    for tally, seen in zip(tallies, before, strict=True):
        assert isinstance(seen, Seen)
        assert tally.shown is not None
        assert marks_of(tally.shown.judged) == marks_of(seen.judged)
        assert tally.shown.case.x.size <= 16 or fault.name in UNSHRUNK
        assert (grade(tally.shown.case) == VARIED) == (fault.name not in UNVARIED)
