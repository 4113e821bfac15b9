"""A witness that is at hand is tried before any search, where it is a case of the family in question."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from worlds.drawing import draw
from worlds.searches import SPECS, correct, implementation, miniature, searched

from bnconform import Case, Outcome
from bnconform.cases.small import small_cases
from bnconform.cases.strategies import Given, Traits, cases
from bnconform.contract.reply import Raised
from bnconform.engine.agreement import Judgement
from bnconform.engine.spec import Subject
from bnconform.engine.tally import Seen
from bnconform.engine.witnesses.known import MOST_TRIED, Witnesses

TRAINING = cases(mode="train")
FORWARD = cases(mode="train", gradients=False, statistics=False)
NO_SCALE, NO_SHIFT = (Judgement(reply=Raised("ValueError", f"no {name}", "")) for name in ("scale", "shift"))


def case_of(given: Given) -> Case:
    return draw(small_cases(given, Traits(dtype="float32", ranks=(2,))), 1)[0]


def drawn_of(given: Given) -> Case:
    return draw(given.strategy(Traits(dtype="float32", ranks=(2,))), 1)[0]


def varied(case: Case) -> Case:
    x = np.arange(case.x.size, dtype=case.x.dtype).reshape(case.x.shape)
    return replace(case, x=x)


def test_those_that_show_the_same_failure_are_tried_first_and_no_more_than_some() -> None:
    witnesses, judge = Witnesses(), miniature("epsilon_outside_the_root")
    bn = Subject(judge.run, judge.dialect)
    small = [varied(case_of(TRAINING)) for _ in range(MOST_TRIED + 2)]
    found = [Seen(one, SPECS["sums_the_gradient_of_the_scale"].judge(bn, one)) for one in small[:-1]]
    found.append(Seen(small[-1], SPECS["normalizes_by_the_batch"].judge(bn, small[-1])))
    for one in found:
        witnesses.keep(one)
    full = drawn_of(TRAINING)
    known = witnesses.known(Seen(full, SPECS["normalizes_by_the_batch"].judge(bn, full)))
    assert known[0] is small[-1]
    assert len(known) == MOST_TRIED


def test_for_an_exception_those_alone_are_tried_that_raised_the_same() -> None:
    witnesses, full = Witnesses(), drawn_of(TRAINING)
    one, other = varied(case_of(TRAINING)), varied(case_of(TRAINING))
    witnesses.keep(Seen(one, NO_SCALE))
    witnesses.keep(Seen(other, NO_SHIFT))
    assert witnesses.known(Seen(full, NO_SHIFT)) == [other]


def test_large_cases_and_equal_values_are_tried_for_the_same_failure_alone() -> None:
    witnesses, full = Witnesses(), drawn_of(TRAINING)
    small = case_of(TRAINING)
    equal = replace(small, x=np.zeros_like(small.x))
    for one in (full, equal):
        witnesses.keep(Seen(one, NO_SCALE))
    assert witnesses.known(Seen(full, NO_SCALE)) == [full, equal]
    assert witnesses.known(Seen(full, NO_SHIFT)) == []


def test_a_witness_follows_from_its_family_alone() -> None:
    def wrong(case: Case) -> Outcome:
        found = correct(case)
        return replace(found, y=None if found.y is None else found.y * np.float32(1.01))

    names = "normalizes_by_the_batch", "needs_no_running_statistics", "infers_by_the_running_statistics"
    together = searched(implementation(wrong), *names, examples=5)
    for name in names:
        alone = searched(implementation(wrong), name, examples=5)[name].failure
        beside = together[name].failure
        assert alone is not None
        assert beside is not None
        np.testing.assert_array_equal(alone.case.x, beside.case.x)
