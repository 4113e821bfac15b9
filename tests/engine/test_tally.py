"""A Tally adds up judgements: the first failure decides, a deviation is kept, and nothing claimed is unsupported."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from worlds.hosts import make

from bnconform.contract.reply import Crashed, NotOffered, Raised
from bnconform.engine.agreement import Agreement, Judgement, Missing, agree, not_offered, unless_declared
from bnconform.engine.book import all_specs
from bnconform.engine.tally import Tally
from bnconform.oracle.bounds import Bound

SPEC = all_specs()[0]


def compared(error: float, quantity: str = "y") -> Agreement:
    """Returns the comparison of two elements, the second of which is off by `error` bounds; both bounds are narrow."""
    within = Bound(np.full(2, 1e-6), np.ones(2))
    return agree(np.array([0.0, error * 1e-6]), np.zeros(2), within=within, quantity=quantity)


def tally(*judged: Judgement) -> Tally:
    made = Tally(spec=SPEC)
    for one in judged:
        made.record(make(), one)
    return made


def said(*agreements: Agreement) -> Judgement:
    return Judgement(agreements=agreements)


def test_nothing_recorded_is_unsupported() -> None:
    assert (tally().verdict, tally().open, tally().shown_quantity) == ("unsupported", True, None)


def test_comparisons_are_added_up_and_the_worst_is_named() -> None:
    found = tally(said(compared(0.5), compared(0.75, "dx")), said(compared(0.25)))
    assert (found.verdict, found.examples, found.total, found.compared, found.claimed) == ("conforms", 2, 6, 6, 6)
    assert (round(found.ratio, 9), found.quantity, found.shown) == (0.75, "dx", None)
    assert found.shown_quantity == "dx"


def test_a_comparison_without_a_claim_is_unsupported() -> None:
    wide = Bound(np.full(2, 1e6), np.ones(2))
    found = tally(said(agree(np.zeros(2), np.zeros(2), within=wide, quantity="y")))
    assert (found.verdict, found.compared, found.claimed) == ("unsupported", 2, 0)


def test_a_failure_closes_the_tally_and_shows_its_case() -> None:
    found = tally(said(compared(0.5, "dx")), said(compared(3.0)))
    assert (found.verdict, found.open, found.shown_quantity) == ("fails", False, "y")
    assert found.shown is not None
    assert found.shown.judged.ratio > 2.9


def test_the_first_deviation_is_kept_beside_later_agreement() -> None:
    deviating = unless_declared(compared(9.0), "running_var", compared(0.5, "biased"))
    first, second = said(deviating), said(replace(deviating, quantity="later"))
    found = tally(first, said(compared(0.1)), second)
    assert (found.verdict, found.open) == ("deviates", True)
    assert found.shown is not None
    assert found.shown.judged is first
    assert round(found.alternative_ratio, 9) == 0.5


def test_what_is_not_offered_is_a_reason_and_no_example() -> None:
    found = tally(Judgement(reply=NotOffered("no such rank")), said(not_offered("dx")))
    assert (found.verdict, found.examples) == ("unsupported", 0)
    assert found.missing == {Missing("not taken", "no such rank"), Missing("not offered", "dx is not offered")}


def test_an_exception_is_a_failure_with_its_class() -> None:
    found = tally(said(compared(0.5)), Judgement(reply=Raised("ValueError", "no", "")))
    assert (found.verdict, found.raises, found.shown_quantity) == ("fails", "ValueError", None)


def test_a_crash_has_no_class_of_exception() -> None:
    found = tally(Judgement(reply=Crashed("SIGABRT", "")))
    assert (found.verdict, found.raises, found.examples) == ("crashes", None, 1)
