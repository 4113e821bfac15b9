"""A witness that is at hand is tried before any search, where it is a case of the family in question."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from worlds.drawing import draw
from worlds.searches import SPECS, Here, correct, implementation, miniature

from bnconform import Case, Outcome
from bnconform.cases.small import small_cases
from bnconform.cases.strategies import Given, Traits, cases
from bnconform.contract.implementation import Described
from bnconform.contract.reply import Raised
from bnconform.engine.agreement import Judgement
from bnconform.engine.runner import Runner
from bnconform.engine.search import search
from bnconform.engine.spec import Subject
from bnconform.engine.tally import Effort, Seen, Tally
from bnconform.engine.target import Target
from bnconform.engine.witnesses.known import MOST_TRIED, Witnesses, fitted

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


def searched_with(host: Here, names: list[str], witnesses: Witnesses) -> dict[str, Tally]:
    described = Described.of(host.implementation)
    target = Target(implementation=described, dtype="float32")
    family = [SPECS[name] for name in names]
    return search(family, target, Runner(lambda: host, described.name), Effort(examples=5), witnesses)


def test_a_case_of_another_family_comes_without_what_that_family_lacks() -> None:
    case = case_of(TRAINING)
    found = fitted(case, TRAINING, FORWARD)
    assert found is not None
    assert case.dy is not None
    assert (found.dy, found.running_mean, found.running_var) == (None, None, None)
    np.testing.assert_array_equal(found.x, case.x)
    watched = fitted(case, TRAINING, cases(mode="train", manner="watched"))
    assert watched is not None
    assert watched.watched


@pytest.mark.parametrize(
    "other",
    [
        cases(mode="infer"),
        cases(mode="train", derivatives="tangents"),
        cases(mode="train", gradients=False, rows="one"),
        cases(mode="train", gradients=False, statistics=False, channels="constant"),
        cases(mode="train", manner="stored"),
        cases(mode="train", manner="default_eps"),
    ],
)
def test_a_case_is_none_of_a_family_whose_cases_are_unlike_it(other: Given) -> None:
    assert fitted(case_of(TRAINING), TRAINING, other) is None


def test_a_case_without_a_cotangent_is_none_of_a_family_with_gradients() -> None:
    assert fitted(case_of(FORWARD), FORWARD, TRAINING) is None
    assert fitted(case_of(TRAINING), TRAINING, TRAINING) is not None


def test_those_that_show_the_same_failure_are_tried_first_and_no_more_than_some() -> None:
    witnesses, judge = Witnesses(), miniature("epsilon_outside_the_root")
    bn = Subject(judge.run, judge.dialect)
    small = [varied(case_of(TRAINING)) for _ in range(MOST_TRIED + 2)]
    found = [Seen(one, SPECS["sums_the_gradient_of_the_scale"].judge(bn, one)) for one in small[:-1]]
    found.append(Seen(small[-1], SPECS["normalizes_by_the_batch"].judge(bn, small[-1])))
    for one in found:
        witnesses.keep(one, TRAINING)
    full = drawn_of(TRAINING)
    known = witnesses.known(Seen(full, SPECS["normalizes_by_the_batch"].judge(bn, full)), TRAINING)
    assert known[0] is small[-1]
    assert len(known) == MOST_TRIED


def test_for_an_exception_those_alone_are_tried_that_raised_the_same() -> None:
    witnesses, full = Witnesses(), drawn_of(TRAINING)
    one, other = varied(case_of(TRAINING)), varied(case_of(TRAINING))
    witnesses.keep(Seen(one, NO_SCALE), TRAINING)
    witnesses.keep(Seen(other, NO_SHIFT), TRAINING)
    assert witnesses.known(Seen(full, NO_SHIFT), TRAINING) == [other]


def test_large_cases_and_equal_values_are_tried_for_the_same_failure_of_the_same_family_alone() -> None:
    witnesses, full = Witnesses(), drawn_of(TRAINING)
    small = case_of(TRAINING)
    equal = replace(small, x=np.zeros_like(small.x))
    for one in (full, equal):
        witnesses.keep(Seen(one, NO_SCALE), TRAINING)
    assert witnesses.known(Seen(full, NO_SCALE), TRAINING) == [full, equal]
    assert witnesses.known(Seen(full, NO_SCALE), FORWARD) == []


def test_what_one_family_found_is_the_witness_of_the_next_at_once() -> None:
    def wrong(case: Case) -> Outcome:
        found = correct(case)
        return replace(found, y=None if found.y is None else found.y * np.float32(1.01))

    next_family = ["needs_no_running_statistics", "has_normalized_moments"]
    host, witnesses = Here(implementation(wrong)), Witnesses()
    first = searched_with(host, ["normalizes_by_the_batch"], witnesses)["normalizes_by_the_batch"]
    host.asked.clear()
    found = searched_with(host, next_family, witnesses)
    assert len(host.asked) == 4, "for each of the two what it asks of the drawn case, and the witness"
    assert first.failure is not None
    for tally in found.values():
        assert tally.failure is not None
        np.testing.assert_array_equal(tally.failure.case.x, first.failure.case.x)
