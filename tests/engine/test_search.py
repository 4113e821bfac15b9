"""A search finds each wrong formula by the right spec, hides no failure behind another, and repeats itself."""

from __future__ import annotations

import numpy as np
import pytest
from worlds.drawing import DTYPES, printed
from worlds.searches import (
    AVERAGES,
    FEW,
    RUNNING,
    SPECS,
    Here,
    Replying,
    biased,
    correct,
    implementation,
    miniature,
    searched,
    verdicts,
    without,
    words,
)

from bnconform import Case, Dialect, Outcome, Unsupported
from bnconform.contract.implementation import Described
from bnconform.contract.reply import Broken, Crashed
from bnconform.engine.runner import Runner
from bnconform.engine.search import search
from bnconform.engine.tally import Effort
from bnconform.engine.target import Target

TRAINING = [name for name, one in SPECS.items() if one.given == SPECS["normalizes_by_the_batch"].given]


@pytest.mark.parametrize("dtype", DTYPES)
def test_a_correct_one_conforms_and_its_elements_are_counted(dtype: str) -> None:
    tallies = searched(implementation(correct), *FEW, dtype=dtype, examples=12)
    for tally in tallies.values():
        assert tally.verdict == "conforms"
        assert 10 <= tally.examples <= 12  # in bfloat16 nothing bounds a sum over 515 rows
        assert 0 < tally.claimed <= tally.compared <= tally.total
        assert 0 < tally.ratio <= 1
        assert tally.shown is None
    assert tallies["normalizes_by_the_batch"].total >= 12 * 2 * 16
    assert tallies["averages_the_running_mean"].quantity == "running_mean"


@pytest.mark.parametrize(
    ("name", "fails"),
    [
        ("unbiased_variance_in_y", {"normalizes_by_the_batch", "divides_by_the_biased_variance",
                                    "adds_epsilon_inside_the_root"}),
        ("epsilon_outside_the_root", {"normalizes_by_the_batch", "adds_epsilon_inside_the_root"}),
        ("momentum_swapped", {*AVERAGES, "loses_no_more_digits_than_its_algorithm",
                              "treats_a_single_channel_like_any_other"}),
        ("gradient_stopped_at_the_statistics", {"sends_gradients_through_the_statistics",
                                                "sends_no_gradient_to_a_bias_before_it",
                                                "leaves_the_share_of_epsilon_along_the_values",
                                                "sends_gradients_without_running_statistics",
                                                "learns_a_scale_that_is_zero",
                                                "treats_a_single_channel_like_any_other"}),
        ("mean_not_subtracted", {"normalizes_by_the_batch", "centres_on_the_batch_mean"}),
    ],
)  # fmt: skip
def test_each_wrong_formula_fails_by_the_spec_that_states_it(name: str, fails: set[str]) -> None:
    tallies = searched(miniature(name), *TRAINING)
    found = {spec for spec, verdict in verdicts(tallies).items() if verdict == "fails"}
    assert found >= fails
    untouched = {"momentum_swapped": set(TRAINING) - fails, "gradient_stopped_at_the_statistics": set(TRAINING) - fails}
    assert not found & untouched.get(name, set(RUNNING) | {"sums_the_gradient_of_the_shift"})
    assert all(tallies[spec].ratio > 1 for spec in found)


def test_a_spec_that_fails_does_not_stop_the_others() -> None:
    tallies = searched(miniature("gradient_stopped_at_the_statistics"), *FEW, examples=20)
    failed = tallies["sends_gradients_through_the_statistics"]
    assert (failed.verdict, failed.examples) == ("fails", 1)
    for name in set(FEW) - {failed.spec.id}:
        assert (tallies[name].verdict, tallies[name].examples) == ("conforms", 20)


def test_a_case_is_run_once_for_all_specs_of_a_family() -> None:
    host = Here(implementation(correct))
    searched(host, *FEW, examples=10)
    assert len(host.asked) == 10


def test_nothing_is_run_any_more_once_every_spec_has_failed() -> None:
    def gives_zeros(case: Case) -> Outcome:
        return Outcome(y=np.zeros_like(case.x))

    host = Here(implementation(gives_zeros))
    tally = searched(host, "normalizes_by_the_batch", examples=200)["normalizes_by_the_batch"]
    assert (tally.verdict, tally.examples) == ("fails", 1)
    assert sum(case.shuffled for case in host.asked) < 5, "full cases; those of shrinking are not shuffled"


def test_specs_that_are_given_other_cases_are_refused_together() -> None:
    described = Described.of(implementation(correct))
    specs = [SPECS["normalizes_by_the_batch"], SPECS["infers_by_the_running_statistics"]]
    run = Runner(lambda: Here(implementation(correct)), described.name)
    with pytest.raises(ValueError, match="specs of 2 families"):
        search(specs, Target(implementation=described, dtype="float32"), run, Effort())


def test_an_exception_fails_every_spec_that_ran_the_case_with_one_small_witness() -> None:
    def raises_for_a_scale(case: Case) -> Outcome:
        if case.gamma is not None:
            raise ValueError("no scale, please")
        return correct(case)

    tallies = searched(implementation(raises_for_a_scale), *FEW)
    assert set(verdicts(tallies).values()) == {"fails"}
    witnesses = {id(tally.failure.case): tally.failure for tally in tallies.values() if tally.failure}
    assert len(witnesses) == 1
    (seen,) = witnesses.values()
    assert (seen.judged.reply.type, seen.case.gamma is None) == ("ValueError", False)  # type: ignore[union-attr]
    assert seen.case.x.size <= 16


def test_what_is_unsupported_everywhere_is_unsupported_for_that_reason() -> None:
    def refuses(case: Case) -> Outcome:
        raise Unsupported("no normalization at all")

    for tally in searched(implementation(refuses), *FEW, "infers_by_the_running_statistics").values():
        assert (tally.verdict, words(tally), tally.examples) == ("unsupported", {"no normalization at all"}, 0)


def test_what_is_unsupported_now_and_then_is_judged_by_the_rest() -> None:
    def refuses_rank_2(case: Case) -> Outcome:
        if case.x.ndim == 2:
            raise Unsupported("no rank 2")
        return correct(case)

    tally = searched(implementation(refuses_rank_2), "normalizes_by_the_batch", examples=20)["normalizes_by_the_batch"]
    assert (tally.verdict, words(tally)) == ("conforms", {"no rank 2"})
    assert 0 < tally.examples < 20


def test_one_that_offers_no_gradient_is_unsupported_there_and_judged_elsewhere() -> None:
    tallies = searched(implementation(without("dx", "dgamma", "dbeta")), *FEW, "sums_the_gradient_of_the_scale")
    assert verdicts(tallies) == dict.fromkeys(FEW, "conforms") | {
        "sends_gradients_through_the_statistics": "unsupported",
        "sums_the_gradient_of_the_scale": "unsupported",
    }
    assert words(tallies["sums_the_gradient_of_the_scale"]) == {"dgamma is not offered"}


@pytest.mark.parametrize(
    ("run", "declared", "verdict"),
    [
        (biased, "biased", "deviates"),
        (correct, "biased", "fails"),
        (biased, "unbiased", "fails"),
        (correct, "unbiased", "conforms"),
    ],
)
def test_a_declared_variance_deviates_only_where_the_values_are_as_declared(
    run: object, declared: str, verdict: str
) -> None:
    one = implementation(run, Dialect(running_var=declared))  # type: ignore[arg-type]
    tallies = searched(one, *RUNNING, dtype="float64")
    assert verdicts(tallies) == {RUNNING[0]: "conforms", RUNNING[1]: verdict}
    if verdict == "deviates":
        assert tallies[RUNNING[1]].ratio > 1 >= tallies[RUNNING[1]].alternative_ratio > 0


def test_a_broken_adapter_is_no_verdict_of_the_implementation_and_is_not_shrunk() -> None:
    host = Here(implementation(lambda case: Outcome(y=case.x[:1])))
    tally = searched(host, "normalizes_by_the_batch")["normalizes_by_the_batch"]
    assert tally.verdict == "unsupported"
    assert tally.failure is not None
    assert isinstance(tally.failure.judged.reply, Broken)
    assert len(host.asked) == 1


def test_the_seed_decides_the_cases() -> None:
    def asked(seed: int) -> list[str]:
        host = Here(implementation(correct))
        searched(host, *RUNNING, examples=5, seed=seed)
        return [printed(case) for case in host.asked]

    first, again, other = asked(0), asked(0), asked(1)
    assert first == again
    assert len(set(first) & set(other)) <= 1  # the first that Hypothesis draws is the simplest one, whatever the seed


def test_the_seed_decides_the_findings() -> None:
    def shown() -> list[tuple[str, float]]:
        tallies = searched(miniature("epsilon_outside_the_root"), "normalizes_by_the_batch").values()
        return [(printed(tally.shown.case), tally.ratio) for tally in tallies if tally.shown is not None]

    assert shown() == shown() != []


def test_another_implementation_or_dtype_gets_other_cases() -> None:
    drawn = set()
    for name, dtype in (("in_order", "float32"), ("reversed", "float32"), ("in_order", "float64")):
        host = Here(miniature(name))
        searched(host, "averages_the_running_mean", dtype=dtype, examples=2)
        drawn.add(host.asked[1].x.astype(np.float32).tobytes())
    assert len(drawn) == 3


def test_a_crash_is_a_crash_for_every_spec_and_shrunk_by_a_few_calls() -> None:
    crash = Crashed("SIGABRT", "free(): invalid pointer")
    calls = []

    def crashes(case: Case) -> Crashed:
        calls.append(case)
        return crash

    tallies = searched(Replying(implementation(correct), crashes), *FEW, examples=50)
    assert set(verdicts(tallies).values()) == {"crashes"}
    assert len(calls) <= 5
    assert all(tally.failure is not None and tally.failure.case.x.size <= 16 for tally in tallies.values())
