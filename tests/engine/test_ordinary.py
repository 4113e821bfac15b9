"""A statement that silence alone kept is claimed of an implementation that answers ordinary cases, and of no other."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from worlds.searches import correct, implementation, searched

from bnconform import Case, Dialect, Outcome, Unsupported
from bnconform.contract.implementation import Described
from bnconform.engine.ordinary import ordinary_cases
from bnconform.engine.target import Target

BY_REFUSAL = ("keeps_its_averages_through_an_empty_batch", "takes_no_channels_or_refuses_them")
IN_INFERENCE = ("makes_no_number_of_a_negative_root", "infers_nothing_for_no_examples")
BY_SAMENESS = ("repeats_itself", "leaves_its_inputs_as_they_are")


def raises(case: Case) -> Outcome:
    raise RuntimeError("no kernel")


def not_a_number(case: Case) -> Outcome:
    found = correct(case) if case.x.size else Outcome(y=case.x)
    return replace(found, **{name: array * np.nan for name, array in vars(found).items() if array is not None})


def returns_nothing(case: Case) -> Outcome:
    if not case.x.size:
        raise ValueError("an empty batch")
    return Outcome()


def trains_only(case: Case) -> Outcome:
    if case.mode == "infer":
        raise RuntimeError("no inference")
    return correct(case)


def refuses_what_is_empty(case: Case) -> Outcome:
    if not case.x.size:
        raise ValueError("an empty input")
    return correct(case)


@pytest.mark.parametrize("run", [raises, not_a_number, returns_nothing])
@pytest.mark.parametrize("spec", [*BY_REFUSAL, *IN_INFERENCE, *BY_SAMENESS])
def test_silence_claims_nothing_of_one_that_answers_nothing(run: Callable[[Case], Outcome], spec: str) -> None:
    tally = searched(implementation(run), spec, examples=2)[spec]
    assert tally.verdict in ("unsupported", "fails")
    assert tally.claimed == 0 or tally.verdict == "fails" or tally.vacuous


def test_the_reason_is_what_came_of_an_ordinary_case() -> None:
    tally = searched(implementation(raises), *BY_REFUSAL, examples=2)[BY_REFUSAL[0]]
    assert tally.ordinary is not None
    assert "raised RuntimeError: no kernel" in tally.ordinary.words


@pytest.mark.parametrize("spec", [*BY_REFUSAL, *IN_INFERENCE])
def test_a_refusal_keeps_a_statement_beside_good_answers(spec: str) -> None:
    tally = searched(implementation(refuses_what_is_empty), spec, examples=2)[spec]
    assert (tally.verdict, tally.vacuous) == ("conforms", False)


def test_an_answer_in_training_says_nothing_of_a_refusal_in_inference() -> None:
    found = searched(implementation(trains_only), *BY_REFUSAL, *IN_INFERENCE, examples=2)
    assert {found[spec].verdict for spec in IN_INFERENCE} == {"unsupported"}
    assert found["keeps_its_averages_through_an_empty_batch"].verdict == "conforms"


def test_a_declared_refusal_of_a_single_value_needs_ordinary_answers_too() -> None:
    spec, declared = "gives_the_shift_for_a_single_value", Dialect(single_value="raises")
    assert searched(implementation(raises, declared), spec, examples=2)[spec].verdict == "unsupported"

    def strict(case: Case) -> Outcome:
        if case.rows == 1:
            raise ValueError("a single value")
        return correct(case)

    assert searched(implementation(strict, declared), spec, examples=2)[spec].verdict == "deviates"


def test_one_without_gradients_in_inference_answers_ordinary_cases() -> None:
    def forward_only(case: Case) -> Outcome:
        if case.mode == "infer" and case.dy is not None:
            raise Unsupported("no gradients in inference")
        return refuses_what_is_empty(case)

    spec = "infers_nothing_for_no_examples"
    assert searched(implementation(forward_only), spec, examples=2)[spec].verdict == "conforms"


def test_wrong_numbers_are_an_answer() -> None:
    def wrong(case: Case) -> Outcome:
        return replace(refuses_what_is_empty(case), y=np.ones_like(case.x))

    spec = BY_REFUSAL[0]
    assert searched(implementation(wrong), spec, examples=2)[spec].verdict == "conforms"


def test_an_ordinary_case_has_what_the_other_has() -> None:
    target = Target(implementation=Described.of(implementation(correct)), dtype="float32")
    (odd, *_) = ordinary_cases(_bare(), target.traits)
    assert (odd.gamma, odd.running_mean, odd.dy, odd.eps, odd.x.ndim) == (None, None, None, 0.5, 4)
    assert odd.rows > 1


def _bare() -> Case:
    return Case(mode="train", x=np.zeros((1, 2, 1, 1), np.float32), gamma=None, beta=None, running_mean=None,
                running_var=None, eps=0.5, momentum=0.1)  # fmt: skip
