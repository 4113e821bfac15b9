"""The diagnosis of the use of a layer: what mixes calls up, makes malformed ones fit or mistakes gradients is named."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from worlds import called_again, some_wanted
from worlds.accumulating import accumulating, averaged, kept, overwritten
from worlds.called_again import mixing
from worlds.drawing import DTYPES
from worlds.malforming import cut_or_repeated, making_do, scrambled, spread
from worlds.searches import Here, implementation, searched
from worlds.used import used

from bnconform import Case, Outcome
from bnconform.analysis.diagnosis import Diagnosis, Diagnostician
from bnconform.analysis.diagnosis.evidence import PERFORMABLE, evidence
from bnconform.analysis.diagnosis.matching import Exhibit
from bnconform.analysis.faults import RIGHT, perform
from bnconform.analysis.faults.adapter import DIALECT, FEATURES
from bnconform.analysis.selftest.power import drawn_of
from bnconform.cases.strategies import cases
from bnconform.contract.implementation import Described
from bnconform.engine.runner import Runner
from bnconform.engine.target import Target

OWN, BOTH = "sends_the_gradients_of_the_call_that_they_are_of", "averages_both_calls_before_a_backward_pass"
PAST = "sends_gradients_of_training_past_a_call_of_inference"
INFERENCE = "sends_gradients_of_inference_past_a_training_call"
WANTED, HELD = "sends_each_gradient_whichever_are_wanted", "adds_its_gradients_to_those_that_are_held"
SINGLE, LENGTH = "refuses_one_parameter_for_many_channels", "refuses_parameters_of_another_length"
NAMED: list[tuple[Callable[[Case], Outcome], str, str]] = [
    (mixing(called_again.statistics_of_the_last_call), OWN, "statistics_of_the_last_training_call"),
    (mixing(called_again.output_in_a_buffer), OWN, "output_in_one_buffer"),
    (mixing(called_again.averages_of_the_first_call), BOTH, "second_call_moves_no_averages"),
    (mixing(called_again.averages_of_inference), PAST, "averages_moved_by_inference_between"),
    (mixing(called_again.mode_of_the_last_call), PAST, "backward_pass_by_the_mode_of_the_last_call"),
    (mixing(called_again.averages_of_afterwards), INFERENCE, "backward_pass_by_the_averages_of_afterwards"),
    (some_wanted.sums_with_the_scale, WANTED, "terms_of_dx_missing_without_dgamma"),
    (some_wanted.gradients_by_their_place, WANTED, "parameter_gradients_exchanged_without_dx"),
    (some_wanted.output_without_parameters, WANTED, "parameters_left_out_without_dgamma"),
    (accumulating(overwritten, overwritten), HELD, "held_gradients_overwritten"),
    (accumulating(kept, kept), HELD, "held_gradients_kept"),
    (making_do(spread, "gamma"), SINGLE, "single_parameter_spread"),
    (making_do(cut_or_repeated, "gamma"), LENGTH, "longer_parameters_cut"),
    (making_do(scrambled, "gamma"), "takes_parameters_of_rank_two_as_they_are_or_refuses_them",
     "matrix_of_parameters_read_backwards"),
    (making_do(spread, "running_mean"), "refuses_averages_of_another_length", "single_average_spread_in_training"),
    (making_do(spread, "dy"), "refuses_a_cotangent_of_another_shape", "single_cotangent_spread"),
]  # fmt: skip


FEATURES_OF_USE = {"between", "wanted", "accumulates", "malformed"}


def diagnosed(run: Callable[[Case], Outcome], statement: str) -> Diagnosis:
    about = implementation(run, features=FEATURES_OF_USE)
    host, tally = Here(about), searched(Here(about), statement)[statement]
    target = Target(implementation=Described.of(about), dtype="float32")
    return Diagnostician(target, Runner.of(target, lambda: host)).explain(tally)


@pytest.mark.parametrize(("run", "statement", "fault"), NAMED, ids=[fault for _, _, fault in NAMED])
def test_what_is_wrong_with_the_use_is_named(run: Callable[[Case], Outcome], statement: str, fault: str) -> None:
    found = diagnosed(run, statement)
    assert fault in [one["fault"] for one in found.likely], found.words


def test_what_no_fault_does_is_not_named() -> None:
    found = diagnosed(accumulating(averaged, averaged), HELD)
    assert found.likely == ()
    assert found.shown is not None
    assert found.shown.case.needs == {"accumulates"}


@pytest.mark.parametrize("dtype", DTYPES)
def test_what_is_right_is_odd_in_no_case_of_use(dtype: str) -> None:
    compared = 0
    for family in (cases(mode="train"), cases(mode="infer")):
        for plain in drawn_of(family, dtype, 8):
            for asked in used(plain):
                if not asked.malformed and (found := evidence(asked, perform(RIGHT, asked), DIALECT)):
                    compared += 1
                    assert Exhibit(found).odd == frozenset()
    assert compared > 40


def test_every_feature_of_the_catalogue_is_performed() -> None:
    assert FEATURES <= PERFORMABLE
