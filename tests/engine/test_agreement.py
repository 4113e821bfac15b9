"""One comparison, one declared alternative, one judgement: nothing but the bound decides."""

from __future__ import annotations

import numpy as np
import pytest

from bnconform.contract.reply import Broken, Crashed, NotOffered, Raised, Reply, TimedOut
from bnconform.engine.agreement import (
    Agreement,
    Judgement,
    Missing,
    agree,
    hold,
    judgement,
    not_offered,
    unless_declared,
)
from bnconform.oracle.bounds import Bound

INF, NAN = float("inf"), float("nan")


def bound(*allowance: float, scale: float = 1e6) -> Bound:
    return Bound(np.array(allowance), np.full(len(allowance), scale))


def compare(actual: list[float], expected: list[float], within: Bound, where: list[bool] | None = None) -> Agreement:
    mask = None if where is None else np.array(where)
    return agree(np.array(actual, np.float32), np.array(expected), within=within, quantity="y", where=mask)


def with_ratio(ratio: float, quantity: str = "y") -> Agreement:
    return agree(np.array([ratio]), np.zeros(1), within=bound(1.0), output=quantity)


def test_the_ratio_is_the_worst_error_divided_by_its_own_bound() -> None:
    one = compare([1.5, 2.0, 3.25], [1.0, 2.0, 3.0], bound(2.0, 1.0, 0.5))
    assert (one.ratio, one.index, one.verdict) == (0.5, (2,), "conforms")
    assert (one.total, one.compared, one.claimed) == (3, 3, 3)


@pytest.mark.parametrize(("error", "verdict"), [(1.0, "conforms"), (1.0 + 2**-20, "fails")])
def test_an_error_as_large_as_the_bound_conforms_and_a_larger_one_fails(error: float, verdict: str) -> None:
    assert compare([error], [0.0], bound(1.0)).verdict == verdict


@pytest.mark.parametrize("value", [NAN, INF, -INF])
def test_what_is_not_a_number_is_an_infinite_error(value: float) -> None:
    one = compare([0.0, value], [0.0, 1.0], bound(1.0, 1.0))
    assert (one.ratio, one.index, one.verdict) == (INF, (1,), "fails")


def test_an_element_without_a_finite_bound_is_not_compared() -> None:
    one = compare([9.0, 0.25, NAN], [0.0, 0.0, 0.0], bound(INF, 1.0, NAN))
    assert (one.ratio, one.index, one.total, one.compared, one.claimed) == (0.25, (1,), 3, 1, 1)


def test_a_comparison_of_nothing_is_unsupported_and_never_agreement() -> None:
    one = compare([0.0, 0.0], [0.0, 0.0], bound(INF, INF))
    assert (one.verdict, one.total, one.compared, one.index) == ("unsupported", 2, 0, None)


def test_an_output_that_is_not_offered_is_unsupported_and_named() -> None:
    one = agree(None, np.zeros(2), within=bound(1.0, 1.0), quantity="dgamma")
    assert (one.verdict, one.missing, one.compared) == (
        "unsupported",
        Missing("not offered", "dgamma is not offered"),
        0,
    )


def test_where_restricts_the_comparison_and_what_it_counts() -> None:
    one = compare([9.0, 0.5, 9.0], [0.0, 0.0, 0.0], bound(1.0, 1.0, INF), where=[False, True, True])
    assert (one.ratio, one.total, one.compared, one.claimed, one.verdict) == (0.5, 2, 1, 1, "conforms")
    assert compare([9.0], [0.0], bound(1.0), where=[False]).verdict == "unsupported"


def test_where_is_broadcast_over_the_elements() -> None:
    actual, within = np.array([[0.5, 7.0], [0.25, 7.0]]), Bound(np.ones((2, 2)), np.full((2, 2), 1e6))
    one = agree(actual, np.zeros((2, 2)), within=within, quantity="y", where=np.array([[True, False]]))
    assert (one.ratio, one.index, one.total) == (0.5, (0, 0), 2)


def test_a_bound_as_wide_as_the_values_is_compared_but_claims_nothing() -> None:
    one = compare([0.5, 0.5], [0.0, 0.0], Bound(np.array([1.0, 1.0]), np.array([1.0, 1e6])))
    assert (one.compared, one.claimed) == (2, 1)


def test_no_error_is_within_a_bound_of_zero_and_any_error_is_not() -> None:
    assert compare([2.0], [2.0], bound(0.0)).ratio == 0.0
    assert compare([2.0], [2.5], bound(0.0)).ratio == INF


def test_a_matrix_has_the_index_of_its_worst_element() -> None:
    within = Bound(np.ones((2, 3)), np.full((2, 3), 1e6))
    actual = np.zeros((2, 3))
    actual[1, 2] = -0.75
    one = agree(actual, np.zeros((2, 3)), within=within, quantity="y")
    assert (one.index, one.ratio) == ((1, 2), 0.75)


@pytest.mark.parametrize(
    ("paper", "alternative", "verdict"),
    [(0.5, 0.5, "conforms"), (3.0, 0.5, "deviates"), (0.5, 3.0, "fails"), (3.0, 2.0, "fails")],
)
def test_a_declared_alternative_must_itself_be_matched(paper: float, alternative: float, verdict: str) -> None:
    one = unless_declared(with_ratio(paper), "running_var", with_ratio(alternative))
    assert (one.verdict, one.declared, one.ratio) == (verdict, "running_var", paper)


def test_a_declared_alternative_that_was_not_compared_excuses_nothing() -> None:
    nothing = compare([0.0], [0.0], bound(INF))
    assert unless_declared(with_ratio(3.0), "running_var", nothing).verdict == "fails"


def test_the_gravest_comparison_is_the_verdict() -> None:
    absent = not_offered("dx")
    deviating = unless_declared(with_ratio(3.0), "running_var", with_ratio(0.5))
    assert judgement([absent]).verdict == "unsupported"
    assert judgement([]).verdict == "unsupported"
    assert judgement([absent, with_ratio(0.5)]).verdict == "conforms"
    assert judgement([with_ratio(0.5), deviating]).verdict == "deviates"
    assert judgement([with_ratio(2.0), deviating, absent]).verdict == "fails"


def test_the_worst_comparison_is_one_of_those_that_decided() -> None:
    deviating = unless_declared(with_ratio(9.0), "running_var", with_ratio(0.5))
    judged = judgement([deviating, with_ratio(2.0, "y"), with_ratio(3.0, "dx")])
    assert judged.worst is not None
    assert (judged.worst.quantity, judged.ratio) == ("dx", 9.0)


def test_a_failure_of_a_declared_alternative_counts_by_the_alternatives_ratio() -> None:
    declared = unless_declared(with_ratio(9.0, "running_var"), "running_var", with_ratio(1.5))
    worst = judgement([declared, with_ratio(2.0, "y")]).worst
    assert worst is not None
    assert worst.quantity == "y"


@pytest.mark.parametrize(
    ("reply", "verdict", "ratio"),
    [
        (NotOffered("no float16"), "unsupported", 0.0),
        (Broken("wrong shape"), "unsupported", INF),
        (Raised("ValueError", "bad", ""), "fails", INF),
        (Crashed("SIGABRT", ""), "crashes", INF),
        (TimedOut(2.0), "hangs", INF),
    ],
)
def test_a_reply_in_place_of_an_outcome_is_the_verdict(reply: Reply, verdict: str, ratio: float) -> None:
    judged = Judgement(reply=reply)  # type: ignore[arg-type]
    assert (judged.verdict, judged.ratio, judged.worst) == (verdict, ratio, None)
    assert judged.broken == isinstance(reply, Broken)


def test_two_exceptions_are_the_same_failure_only_if_of_one_class() -> None:
    first, other = Judgement(reply=Raised("ValueError", "a", "")), Judgement(reply=Raised("ValueError", "b", "c"))
    assert first.signature == other.signature
    assert first.signature != Judgement(reply=Raised("TypeError", "a", "")).signature
    assert first.signature != judgement(with_ratio(2.0)).signature


def test_a_statement_that_is_true_or_false_fails_by_one_element_and_speaks_of_those_in_question_only() -> None:
    truth = np.array([True, False, True])
    assert hold(truth, quantity="finite y", where=np.array([True, False, True])).verdict == "conforms"
    assert hold(truth, quantity="finite y", where=np.array([False, False, False])).verdict == "unsupported"
    one = hold(truth, quantity="finite y", where=np.array([True, True, False]))
    assert (one.verdict, one.ratio, one.index, one.compared, one.claimed) == ("fails", INF, (1,), 2, 2)
