"""The chapter of use: right implementations keep it, and each way of getting a use wrong breaks its own statements."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from worlds import called_again, running_again, some_wanted
from worlds.accumulating import accumulating, averaged, kept, overwritten
from worlds.called_again import mixing
from worlds.drawing import DTYPES
from worlds.malforming import cut_or_repeated, flattened, making_do, refuses, scrambled, spread
from worlds.searches import Here, Replying, implementation, searched, verdicts

from bnconform import Case, Outcome
from bnconform.contract.checks import MALFORMED
from bnconform.contract.dtypes import NARROW
from bnconform.contract.reply import Crashed, Reply
from bnconform.relations.use.malformed import malformed

Run = Callable[[Case], Outcome]
LENGTH, SINGLE = "refuses_parameters_of_another_length", "refuses_one_parameter_for_many_channels"
MATRIX = "takes_parameters_of_rank_two_as_they_are_or_refuses_them"
AVERAGES, STATISTICS = "refuses_averages_of_another_length", "infers_by_no_statistics_of_another_length"
COTANGENT = "refuses_a_cotangent_of_another_shape"
REFUSALS = (LENGTH, SINGLE, MATRIX, AVERAGES, STATISTICS, COTANGENT)
MAKING_DO: dict[str, tuple[Run, set[str]]] = {
    "a_single_scale_is_spread": (making_do(spread, "gamma"), {SINGLE}),
    "a_single_shift_is_spread": (making_do(spread, "beta"), {SINGLE}),
    "a_scale_is_read_as_far_as_needed": (making_do(cut_or_repeated, "gamma"), {LENGTH, SINGLE}),
    "a_shift_is_read_as_far_as_needed": (making_do(cut_or_repeated, "beta"), {LENGTH, SINGLE}),
    "a_single_mean_is_spread": (making_do(spread, "running_mean"), {AVERAGES, STATISTICS}),
    "a_variance_is_read_as_far_as_needed": (making_do(cut_or_repeated, "running_var"), {AVERAGES, STATISTICS}),
    "a_scale_of_rank_two_is_scrambled": (making_do(scrambled, "gamma"), {MATRIX}),
    "a_single_example_of_dy_is_spread": (making_do(spread, "dy"), {COTANGENT}),
    "dy_is_read_as_far_as_needed": (making_do(cut_or_repeated, "dy"), {COTANGENT}),
}


@pytest.mark.parametrize("dtype", DTYPES)
def test_who_refuses_every_malformed_call_keeps_every_statement(dtype: str) -> None:
    found = verdicts(searched(implementation(refuses, features={"malformed"}), *REFUSALS, dtype=dtype))
    assert set(found.values()) == {"conforms"}


def test_who_takes_a_parameter_of_rank_two_by_its_values_keeps_it_too() -> None:
    about = implementation(making_do(flattened, "gamma", "beta"), features={"malformed"})
    assert set(verdicts(searched(about, *REFUSALS)).values()) == {"conforms"}


@pytest.mark.parametrize("name", MAKING_DO)
def test_each_way_of_making_do_breaks_its_own_statement(name: str) -> None:
    run, broken = MAKING_DO[name]
    found = verdicts(searched(implementation(run, features={"malformed"}), *REFUSALS))
    assert {one for one, verdict in found.items() if verdict == "fails"} == broken
    assert {found[one] for one in set(REFUSALS) - broken} == {"conforms"}


def test_every_statement_on_refusals_is_broken_by_one() -> None:
    assert set().union(*(broken for _, broken in MAKING_DO.values())) == set(REFUSALS)


def test_a_crash_is_no_refusal() -> None:
    def dies(case: Case) -> Reply | None:
        return Crashed("SIGSEGV", "") if case.malformed == "gamma_shorter" else None

    host = Replying(implementation(refuses, features={"malformed"}), dies)
    assert verdicts(searched(host, LENGTH, SINGLE)) == {LENGTH: "crashes", SINGLE: "conforms"}


def test_an_error_for_every_case_is_no_refusal() -> None:
    def fails(case: Case) -> Outcome:
        raise RuntimeError("it is out of order")

    found = verdicts(searched(implementation(fails, features={"malformed"}), LENGTH))
    assert found == {LENGTH: "fails"}


def test_who_takes_no_malformed_call_is_not_asked() -> None:
    host = Here(implementation(refuses))
    assert set(verdicts(searched(host, *REFUSALS)).values()) == {"unsupported"}
    assert not host.asked


@pytest.mark.parametrize("word", MALFORMED)
def test_a_malformed_case_differs_in_one_shape_alone(word: str) -> None:
    values = np.arange(12, dtype=np.float32).reshape(4, 3)
    vector = np.array([1, 2, 3], np.float32)
    case = Case(mode="train", x=values, gamma=vector, beta=vector, running_mean=vector, running_var=vector, eps=1e-3,
                momentum=0.1, dy=values)  # fmt: skip
    made = malformed(case, word)
    assert made is not None
    assert made.needs == {"malformed"}
    differ = [
        name
        for name in ("x", "gamma", "beta", "running_mean", "running_var", "dy")
        if (array := getattr(made, name)) is not None and array.shape != getattr(case, name).shape
    ]
    assert differ == [word.rpartition("_")[0]]


OWN, PAST, BOTH, INFERENCE = (
    "sends_the_gradients_of_the_call_that_they_are_of",
    "sends_gradients_of_training_past_a_call_of_inference",
    "averages_both_calls_before_a_backward_pass",
    "sends_gradients_of_inference_past_a_training_call",
)
CALLS = (OWN, PAST, BOTH, INFERENCE)
MIXED_UP: dict[str, tuple[called_again.Mixes, set[str]]] = {
    "gradients_of_the_last_call": (called_again.gradients_of_the_last_call, {OWN, PAST, INFERENCE}),
    "statistics_of_the_last_call": (called_again.statistics_of_the_last_call, {OWN}),
    "output_in_a_buffer": (called_again.output_in_a_buffer, {OWN, PAST, INFERENCE}),
    "averages_of_the_first_call": (called_again.averages_of_the_first_call, {BOTH}),
    "averages_of_inference": (called_again.averages_of_inference, {PAST}),
    "mode_of_the_last_call": (called_again.mode_of_the_last_call, {PAST}),
    "averages_of_afterwards": (called_again.averages_of_afterwards, {INFERENCE}),
}


@pytest.mark.parametrize("dtype", DTYPES)
def test_who_keeps_calls_apart_keeps_every_statement(dtype: str) -> None:
    about = implementation(called_again.right, features={"between"})
    found = verdicts(searched(about, *CALLS, dtype=dtype))
    weak = {BOTH} if dtype == "bfloat16" else set()  # sums in bfloat16 say too little of averages, twice as little here
    assert {found[one] for one in set(CALLS) - weak} == {"conforms"}
    assert {found[one] for one in weak} <= {"conforms", "unsupported"}


@pytest.mark.parametrize("name", MIXED_UP)
def test_each_way_of_mixing_calls_up_breaks_its_own_statements(name: str) -> None:
    mixes, broken = MIXED_UP[name]
    found = verdicts(searched(implementation(mixing(mixes), features={"between"}), *CALLS))
    assert {one for one, verdict in found.items() if verdict == "fails"} == broken
    assert {found[one] for one in set(CALLS) - broken} <= {"conforms"}


def test_every_statement_on_calls_is_broken_by_one() -> None:
    assert set().union(*(broken for _, broken in MIXED_UP.values())) == set(CALLS)


def test_inference_may_refuse_what_it_can_no_longer_differentiate() -> None:
    found = verdicts(searched(implementation(called_again.refusing, features={"between"}), *CALLS))
    assert found == {**dict.fromkeys(CALLS, "conforms"), INFERENCE: "unsupported"}


def test_who_is_not_called_again_is_not_asked() -> None:
    host = Here(implementation(called_again.right))
    assert set(verdicts(searched(host, *CALLS)).values()) == {"unsupported"}
    assert not host.asked


WANTED = "sends_each_gradient_whichever_are_wanted"
IN_INFERENCE = "sends_each_gradient_of_inference_whichever_are_wanted"
LEAVING_OUT: dict[str, tuple[Run, set[str]]] = {
    "sums_with_the_scale": (some_wanted.sums_with_the_scale, {WANTED}),
    "parameters_beside_the_input": (some_wanted.parameters_beside_the_input, {WANTED, IN_INFERENCE}),
    "gradients_by_their_place": (some_wanted.gradients_by_their_place, {WANTED, IN_INFERENCE}),
    "output_without_parameters": (some_wanted.output_without_parameters, {WANTED, IN_INFERENCE}),
}


@pytest.mark.parametrize("dtype", DTYPES)
def test_who_gives_each_gradient_by_itself_keeps_both_statements(dtype: str) -> None:
    about = implementation(some_wanted.right, features={"wanted"})
    found = verdicts(searched(about, WANTED, IN_INFERENCE, dtype=dtype))
    assert found == {WANTED: "conforms", IN_INFERENCE: "conforms"}


@pytest.mark.parametrize("name", LEAVING_OUT)
def test_each_way_of_leaving_out_what_another_needs_breaks_its_statements(name: str) -> None:
    run, broken = LEAVING_OUT[name]
    found = verdicts(searched(implementation(run, features={"wanted"}), WANTED, IN_INFERENCE))
    assert {one for one, verdict in found.items() if verdict == "fails"} == broken
    assert {found[one] for one in {WANTED, IN_INFERENCE} - broken} <= {"conforms"}


def test_who_gives_all_gradients_is_not_asked_for_some() -> None:
    host = Here(implementation(some_wanted.right))
    assert set(verdicts(searched(host, WANTED, IN_INFERENCE)).values()) == {"unsupported"}
    assert not host.asked


HELD = "adds_its_gradients_to_those_that_are_held"
ELSE = {
    "a_scale_overwritten": accumulating(gamma=overwritten),
    "a_shift_overwritten": accumulating(beta=overwritten),
    "kept": accumulating(kept, kept),
    "averaged": accumulating(averaged, averaged),
}


@pytest.mark.parametrize("dtype", DTYPES)
def test_who_adds_to_what_is_held_keeps_it(dtype: str) -> None:
    about = implementation(accumulating(), features={"accumulates"})
    weak = {"unsupported"} if dtype in NARROW else set()  # sums in 16 bits say too little of gradients
    assert verdicts(searched(about, HELD, dtype=dtype))[HELD] in {"conforms"} | weak


@pytest.mark.parametrize("name", ELSE)
def test_who_does_anything_else_with_what_is_held_does_not_conform(name: str) -> None:
    assert verdicts(searched(implementation(ELSE[name], features={"accumulates"}), HELD)) == {HELD: "fails"}


def test_who_holds_no_gradients_is_not_asked_to() -> None:
    host = Here(implementation(accumulating()))
    assert verdicts(searched(host, HELD)) == {HELD: "unsupported"}
    assert not host.asked


AGAIN, ONCE = (
    "sends_the_same_gradients_where_its_forward_pass_runs_again",
    "averages_once_where_its_forward_pass_runs_again",
)
ON, MOVED = "trains_on_behind_a_call_of_inference", "infers_by_averages_that_moved_since_it_last_inferred"
BY_THE_BATCH = "infers_by_the_batch_where_it_keeps_no_averages"
USES = (AGAIN, ONCE, ON, MOVED, BY_THE_BATCH)
FEATURES = {"checkpointed", "earlier", "untracked"}
MISUSED: dict[str, tuple[Run, set[str]]] = {
    "averages_twice": (running_again.averages_twice, {ONCE}),
    "averages_never": (running_again.averages_never, {ONCE}),
    "runs_again_in_inference": (running_again.runs_again_in_inference, {AGAIN}),
    "constants_again": (running_again.constants_again, {AGAIN}),
    "keeps_its_folded_scale": (running_again.keeps_its_folded_scale, {MOVED}),
    "stays_in_inference": (running_again.stays_in_inference, {ON}),
    "forgets_its_averages": (running_again.forgets_its_averages, {ON}),
    "averages_in_inference": (running_again.averages_in_inference, {ON, MOVED}),
    "scales_of_the_last_batch": (running_again.scales_of_the_last_batch, {ON, MOVED}),
    "nothing_to_divide_by": (running_again.nothing_to_divide_by, {BY_THE_BATCH}),
    "constants_in_inference": (running_again.constants_in_inference, {BY_THE_BATCH}),
}


@pytest.mark.parametrize("dtype", DTYPES)
def test_who_runs_again_and_changes_modes_rightly_keeps_every_statement(dtype: str) -> None:
    about = implementation(running_again.right, features=FEATURES)
    found = verdicts(searched(about, *USES, dtype=dtype))
    weak = {ONCE, ON, MOVED} if dtype == "bfloat16" else set()  # as of calls before a backward pass
    assert {found[one] for one in set(USES) - weak} == {"conforms"}
    assert {found[one] for one in weak} <= {"conforms", "unsupported"}


@pytest.mark.parametrize("name", MISUSED)
def test_each_way_of_misusing_what_ran_before_breaks_its_own_statements(name: str) -> None:
    run, broken = MISUSED[name]
    found = verdicts(searched(implementation(run, features=FEATURES), *USES))
    assert {one for one, verdict in found.items() if verdict == "fails"} == broken
    assert {found[one] for one in set(USES) - broken} <= {"conforms"}


def test_every_statement_on_what_ran_before_is_broken_by_one() -> None:
    assert set().union(*(broken for _, broken in MISUSED.values())) == set(USES)


def test_who_offers_none_of_these_uses_is_not_asked() -> None:
    host = Here(implementation(running_again.right))
    assert set(verdicts(searched(host, *USES)).values()) == {"unsupported"}
    assert not host.asked
