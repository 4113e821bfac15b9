"""A witness shows what its case showed, in few values that can be read."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from worlds.drawing import draw
from worlds.searches import FEW, SPECS, Here, Replying, correct, implementation, miniature, searched

from bnconform import Case, Dialect, Outcome
from bnconform.cases.small import small_cases
from bnconform.cases.strategies import Traits, cases
from bnconform.contract.axes import from_rows, to_rows
from bnconform.contract.implementation import Described
from bnconform.contract.reply import Crashed, Reply, TimedOut
from bnconform.engine.runner import Runner
from bnconform.engine.shrink import EQUAL, VARIED, grade, reduced, witness
from bnconform.engine.spec import Subject
from bnconform.engine.tally import Seen
from bnconform.engine.target import Target
from bnconform.engine.witnesses.marks import marks_of

TRAINING = cases(mode="train")
WRONG = [
    ("unbiased_variance_in_y", "normalizes_by_the_batch", "float16"),
    ("epsilon_outside_the_root", "adds_epsilon_inside_the_root", "bfloat16"),
    ("momentum_swapped", "averages_the_running_mean", "float32"),
    ("gradient_stopped_at_the_statistics", "sends_gradients_through_the_statistics", "float64"),
    ("mean_not_subtracted", "ignores_a_shift_of_the_input", "bfloat16"),
]


def judge_of(host: Here, spec: str) -> Callable[[Case], object]:
    described = Described.of(host.implementation)
    run = Runner(lambda: host, described.name)
    return lambda case: SPECS[spec].judge(Subject(run, described.dialect), case)


def shrunk(host: Here, spec: str, accept: Callable[[Case], bool] = lambda case: True) -> tuple[Seen, Seen]:
    """Returns a full case that the spec is not kept on, and its witness."""
    target = Target(implementation=Described.of(host.implementation), dtype="float32")
    judge, given = judge_of(host, spec), SPECS[spec].given
    cases = (case for case in draw(given.strategy(target.traits), 30) if accept(case))
    seen = next(Seen(case, judged) for case in cases if (judged := judge(case)).verdict != "conforms")  # type: ignore[attr-defined, arg-type]
    small = [small_cases(given, target.traits), small_cases(given, target.traits, seen.case)]
    host.asked.clear()
    return seen, witness(seen, judge, small, 0)  # type: ignore[arg-type]


@pytest.mark.parametrize(("name", "spec", "dtype"), WRONG)
def test_a_witness_shows_the_same_verdict_in_one_channel_of_few_values(name: str, spec: str, dtype: str) -> None:
    tally = searched(miniature(name), spec, dtype=dtype)[spec]
    assert tally.failure is not None
    case = tally.failure.case
    assert (case.channels, case.dtype) == (1, dtype)
    assert case.x.size <= 16
    assert not case.shuffled
    again = judge_of(Here(miniature(name)), spec)(case)
    assert again.verdict == tally.failure.judged.verdict == "fails"  # type: ignore[attr-defined]
    assert again.ratio == tally.failure.judged.ratio > 1  # type: ignore[attr-defined]


def test_a_witness_is_written_in_short_decimals() -> None:
    seen, small = shrunk(Here(miniature("momentum_swapped")), "averages_the_running_mean")
    assert seen.case.x.size > 16
    assert small.case.x.size == 2
    assert all(len(f"{value:g}") <= 5 for value in small.case.x.astype(np.float64).flat)


def test_what_only_large_values_show_is_reduced_from_the_case_itself() -> None:
    def wrong_where_large(case: Case) -> Outcome:
        found = correct(case)
        y = np.where(np.abs(case.x) > 5000, 0, found.y).astype(case.x.dtype)
        return Outcome(y=y)

    host = Here(implementation(wrong_where_large))
    seen, small = shrunk(host, "normalizes_by_the_batch", lambda case: case.rows > 16)
    assert small.judged.verdict == "fails"
    assert (small.case.channels, small.case.x.size <= 16) == (1, True)
    worst = seen.judged.worst
    assert worst is not None
    assert worst.index is not None
    values = to_rows(seen.case.x, seen.case.axis)[:, worst.index[seen.case.axis]]
    assert np.all(np.abs(small.case.x.reshape(-1, 1) - values).min(axis=1) <= 0.05)


def test_what_only_the_whole_case_shows_stays_as_it_is() -> None:
    def wrong_for_many_channels(case: Case) -> Outcome:
        return correct(case) if case.channels < 16 else Outcome(y=np.zeros_like(case.x))

    seen, small = shrunk(Here(implementation(wrong_for_many_channels)), "normalizes_by_the_batch")
    assert small is seen


def test_what_only_one_rank_shows_keeps_that_rank() -> None:
    def wrong_in_rank_4(case: Case) -> Outcome:
        return Outcome(y=np.zeros_like(case.x)) if case.x.ndim == 4 else correct(case)

    _, small = shrunk(Here(implementation(wrong_in_rank_4)), "normalizes_by_the_batch", lambda case: case.x.ndim == 4)
    assert (small.case.x.ndim, small.case.x.size <= 16, small.judged.verdict) == (4, True, "fails")


def test_what_only_two_channels_of_one_rank_show_has_two_channels_of_that_rank() -> None:
    def mixes_channels_up(case: Case) -> Outcome:
        wrong = case.x.ndim == 4 and case.channels > 1
        return Outcome(y=np.zeros_like(case.x)) if wrong else correct(case)

    _, small = shrunk(Here(implementation(mixes_channels_up)), "normalizes_by_the_batch", lambda case: case.x.ndim == 4)
    assert (small.case.x.ndim, small.case.channels, small.case.x.size <= 16) == (4, 2, True)
    assert small.judged.verdict == "fails"


def test_a_witness_fails_for_the_same_reason_not_just_any() -> None:
    def raises_unless_small(case: Case) -> Outcome:
        if np.abs(case.x).max() > 4:
            raise ValueError("large")
        raise TypeError("small")

    seen, small = shrunk(Here(implementation(raises_unless_small)), "normalizes_by_the_batch")
    assert marks_of(seen.judged) == marks_of(small.judged)
    assert marks_of(seen.judged).kind == ("ValueError" if np.abs(seen.case.x).max() > 4 else "TypeError")
    assert small.case.x.size <= 16


def test_a_witness_raises_what_was_raised_whatever_numbers_it_says() -> None:
    def raises(case: Case) -> Outcome:
        if case.x.ndim != 4:
            raise ValueError("expected four axes")
        raise ValueError(f"cannot reshape {case.x.size} values")

    _, small = shrunk(Here(implementation(raises)), "normalizes_by_the_batch", lambda case: case.x.ndim == 4)
    assert (small.case.x.ndim, small.case.x.size <= 16) == (4, True)
    assert marks_of(small.judged).said == "cannot reshape # values"


def test_a_witness_is_wrong_in_the_output_that_was_wrong() -> None:
    """dx is wrong in large cases alone, dgamma everywhere: a small case must not stand for the one with the other."""

    def wrong_in_two_ways(case: Case) -> Outcome:
        found = correct(case)
        dgamma = None if found.dgamma is None else found.dgamma * np.float32(1.001)
        far = case.rows > 12 and found.dx is not None
        return replace(found, dx=np.full_like(case.x, 100) if far else found.dx, dgamma=dgamma)

    host = Here(implementation(wrong_in_two_ways))
    seen, small = shrunk(host, "learns_a_scale_that_is_zero", lambda case: case.rows > 12)
    for one in (seen, small):
        assert one.judged.worst is not None
        assert one.judged.worst.output == "dx"
    assert 12 < small.case.rows <= 16


def test_values_that_differ_go_on_differing() -> None:
    host = Here(implementation(lambda case: Outcome(y=np.full_like(case.x, 7))))
    _, small = shrunk(host, "normalizes_by_the_batch", lambda case: case.rows > 1)
    assert grade(small.case) == VARIED
    assert small.case.x.size == 2


def test_what_equal_values_alone_show_is_shown_by_several_of_them() -> None:
    def wrong_where_equal(case: Case) -> Outcome:
        found, rows = correct(case), to_rows(case.x, case.axis)
        y = to_rows(found.y, case.axis).copy()  # type: ignore[arg-type]
        y[:, (rows == rows[0]).all(axis=0)] = 99
        return Outcome(y=from_rows(y, case.x.shape, case.axis))

    def has_a_constant_channel(case: Case) -> bool:
        rows = to_rows(case.x, case.axis)
        return bool((rows == rows[0]).all(axis=0).any())

    host = Here(implementation(wrong_where_equal))
    _, small = shrunk(host, "normalizes_by_the_batch", has_a_constant_channel)
    assert (grade(small.case), small.case.x.size <= 16) == (EQUAL, True)


def small_and_single(dialect: Dialect) -> Seen:
    """Returns the witness for one that raises in one channel of large values, and for a single value of any."""

    def raises(case: Case) -> Outcome:
        if case.rows == 1 or np.abs(case.x).max() > 5000:
            raise ValueError("it cannot")
        return correct(case)

    host = Here(implementation(raises, dialect))
    described = Described.of(host.implementation)
    case = next(one for one in draw(TRAINING.strategy(Traits(dtype="float32")), 30) if np.abs(one.x).max() > 5000)
    judge = judge_of(host, "normalizes_by_the_batch")
    seen = Seen(case, judge(case))  # type: ignore[arg-type]
    single = reduced(case, 0, [0], 1)
    assert marks_of(judge(single)) == marks_of(seen.judged)  # type: ignore[arg-type]
    return witness(seen, judge, [], 0, [single], dialect=described.dialect)  # type: ignore[arg-type]


def test_a_refusal_that_is_declared_of_a_single_value_never_stands_for_an_exception_that_several_raise() -> None:
    assert small_and_single(Dialect(single_value="raises")).case.rows > 1
    assert small_and_single(Dialect()).case.rows == 1, "where nothing is declared, it is the same failure"


def test_an_index_that_does_not_fit_the_case_names_its_first_channel() -> None:
    host = Here(implementation(lambda case: Outcome(y=np.full_like(case.x, 7))))
    seen, _ = shrunk(host, "normalizes_by_the_batch", lambda case: case.x.ndim == 4)
    worst = seen.judged.worst
    assert worst is not None
    for index in ((10**6,), (0, 10**6, 0, 10**6), (0, 0), ()):
        moved = replace(seen.judged, agreements=(replace(worst, index=index),))
        small = witness(Seen(seen.case, moved), judge_of(host, "normalizes_by_the_batch"), [], 0)  # type: ignore[arg-type]
        assert (small.judged.verdict, small.case.channels) == ("fails", 1)


def test_a_failure_on_a_moved_axis_is_shrunk() -> None:
    def wrong_on_axis_1(case: Case) -> Outcome:
        return Outcome(y=np.zeros_like(case.x)) if case.axis == 1 else correct(case)

    _, small = shrunk(Here(implementation(wrong_on_axis_1)), "follows_the_channel_axis")
    assert (small.judged.verdict, small.case.x.size <= 16) == ("fails", True)


def test_a_known_witness_that_shows_the_same_is_taken_at_once() -> None:
    host = Here(miniature("epsilon_outside_the_root"))
    seen, small = shrunk(host, "normalizes_by_the_batch")
    judge = judge_of(host, "adds_epsilon_inside_the_root")
    host.asked.clear()
    again = witness(Seen(seen.case, judge(seen.case)), judge, [], 0, [small.case])  # type: ignore[arg-type]
    assert again.case is small.case
    assert len(host.asked) == 2


def test_an_implementation_that_answers_otherwise_when_asked_again_still_gets_a_witness() -> None:
    calls = []

    def wrong_most_of_the_time(case: Case) -> Outcome:
        calls.append(case)
        return correct(case) if len(calls) % 3 == 2 else Outcome(y=np.zeros_like(case.x))

    seen, small = shrunk(Here(implementation(wrong_most_of_the_time)), "normalizes_by_the_batch")
    assert small.case.x.size < seen.case.x.size


@pytest.mark.parametrize(("reply", "verdict"), [(Crashed("SIGSEGV", ""), "crashes"), (TimedOut(2.0), "hangs")])
def test_a_crash_or_hang_is_shrunk_by_a_ladder_of_a_few_calls(reply: Reply, verdict: str) -> None:
    calls: list[Case] = []

    def from_three_rows_on(case: Case) -> Reply | None:
        calls.append(case)
        return reply if case.rows >= 3 else None

    host = Replying(implementation(correct), from_three_rows_on)
    tallies = searched(host, *FEW, examples=30)
    for tally in tallies.values():
        assert tally.verdict == verdict
        assert tally.failure is not None
        assert isinstance(tally.failure.judged.reply, type(reply))
    witnesses = [tally.failure.case for tally in tallies.values() if tally.failure]
    assert all(3 <= case.rows <= 16 and case.channels == 1 for case in witnesses)
    assert len({id(case) for case in calls if case.shuffled is False}) <= 3


def test_a_witness_of_what_does_not_repeat_itself_still_shows_what_was_seen() -> None:
    asked: set[bytes] = set()

    def run(case: Case) -> Outcome:
        asked.symmetric_difference_update({case.x.tobytes()})
        return replace(correct(case), y=np.zeros_like(case.x)) if case.x.tobytes() in asked else correct(case)

    tally = searched(Here(implementation(run)), "normalizes_by_the_batch")["normalizes_by_the_batch"]
    assert tally.failure is not None
    assert tally.failure.judged.verdict == tally.verdict == "fails"


@pytest.mark.parametrize("axis", [0, 1, 2, -1])
def test_one_channel_of_a_case_keeps_its_axis_and_its_rows(axis: int) -> None:
    x = np.arange(24.0).reshape(2, 3, 4)
    vector = np.arange(float(x.shape[axis]))
    case = Case(mode="infer", x=x, gamma=vector, beta=None, running_mean=vector, running_var=vector, eps=0.1,
                momentum=0.1, axis=axis)  # fmt: skip
    small = reduced(case, 1, [0, 2, 5], None)
    assert (small.channels, small.rows, small.axis, small.x.ndim) == (1, 3, axis, 3)
    np.testing.assert_array_equal(to_rows(small.x, axis)[:, 0], to_rows(x, axis)[[0, 2, 5], 1])
    assert small.gamma is not None
    assert small.gamma.tolist() == [1.0]


def test_each_array_of_a_reduced_case_keeps_its_own_type() -> None:
    scale, vector = np.full(3, 1.0003, np.float32), np.full(3, 1e6, np.float32)
    case = Case(mode="train", x=np.ones((4, 3), np.float16), gamma=scale, beta=None, running_mean=vector,
                running_var=vector, eps=0.1, momentum=0.1)  # fmt: skip
    found = reduced(case, 1, [0, 2], None)
    assert found.gamma is not None
    assert found.running_var is not None
    assert (found.x.dtype, found.gamma[0], found.running_var[0]) == (np.float16, scale[0], vector[0])
