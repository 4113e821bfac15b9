"""What an implementation could do as well as its adapter is noted, and judged."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from worlds.searches import correct, without
from worlds.smoke import Run, said, smoked

from bnconform import Case, Outcome
from bnconform.contract.axes import from_rows
from bnconform.engine.smoke import Note, Smoke


def posed(change: Callable[[Case], Case]) -> Run:
    def run(case: Case) -> Outcome:
        found = correct(change(case))
        shaped = {
            name: getattr(found, name).reshape(case.x.shape) for name in ("y", "dx") if getattr(found, name) is not None
        }
        return replace(found, **shaped)

    return run


def exchanged(one: str, other: str) -> Run:
    def run(case: Case) -> Outcome:
        found = correct(case)
        return replace(found, **{one: getattr(found, other), other: getattr(found, one)})

    return run


def in_float32(case: Case) -> Case:
    return replace(case, x=case.x.astype(np.float32).astype(case.x.dtype))


def training_and_inference_exchanged(case: Case) -> Case:
    return case if case.running_mean is None else replace(case, mode="infer" if case.mode == "train" else "train")


def new_averages(case: Case) -> Case:
    if case.running_mean is None or case.running_var is None:
        return case
    return replace(case, running_mean=0 * case.running_mean, running_var=0 * case.running_var + 1)


def rows_from_memory(case: Case) -> Case:
    shape = (case.rows, case.channels)
    return replace(case, axis=1, x=case.x.reshape(shape), dy=None if case.dy is None else case.dy.reshape(shape))


def cotangent_rows_from_memory(case: Case) -> Case:
    if case.dy is None:
        return case
    return replace(case, dy=from_rows(case.dy.reshape(case.rows, case.channels), case.x.shape, case.axis))


AVERAGES, GRADIENTS = {"running_mean", "running_var"}, {"dx", "dgamma", "dbeta"}
ALL = {"y"} | AVERAGES | GRADIENTS
NOTED: dict[str, tuple[Run, set[str], str]] = {
    "the complement of momentum": (posed(lambda c: replace(c, momentum=1 - c.momentum)), AVERAGES, "float32"),
    "an exchange of gamma and beta": (posed(lambda c: replace(c, gamma=c.beta, beta=c.gamma)), {"y", "dx"}, "float32"),
    "an exchange of dgamma and dbeta": (exchanged("dgamma", "dbeta"), {"dgamma", "dbeta"}, "float32"),
    "an exchange of the new running mean and variance": (exchanged(*AVERAGES), AVERAGES, "float32"),
    "a layer with new running statistics, zeros and ones,": (
        posed(new_averages), {"y", "dx", "dgamma"} | AVERAGES, "float64"
    ),
    "training taken for inference, or inference for training,": (
        posed(training_and_inference_exchanged), {"y", "dx", "dgamma"}, "float64"
    ),
    "a dy of ones": (
        posed(lambda c: replace(c, dy=None if c.dy is None else np.ones_like(c.dy))), GRADIENTS, "float32"
    ),
    "a gamma left out": (posed(lambda c: replace(c, gamma=None)), {"y", "dx"}, "float16"),
    "a beta left out": (posed(lambda c: replace(c, beta=None)), {"y"}, "bfloat16"),
    "x read as if its channels were last": (posed(rows_from_memory), ALL, "float32"),
    "dy read as if its channels were last": (posed(cotangent_rows_from_memory), GRADIENTS, "float32"),
    "a cast of the inputs to float32": (posed(in_float32), {"y", "dgamma"}, "float64"),
}  # fmt: skip


@pytest.mark.parametrize(("run", "quantities", "dtype"), NOTED.values(), ids=NOTED)
def test_what_an_implementation_could_do_is_noted_and_judged(
    run: Run, quantities: set[str], dtype: str, request: pytest.FixtureRequest
) -> None:
    found = smoked(run, dtype)
    assert said(found) == ""
    assert {one.words for one in found.notes} == {request.node.callspec.id}
    assert {one.output for one in found.notes} == quantities


def test_a_slip_that_does_not_explain_everything_is_not_noted() -> None:
    def complemented_for_maps(case: Case) -> Outcome:
        return correct(replace(case, momentum=1 - case.momentum) if case.x.ndim > 2 else case)

    def never_averages_the_mean(case: Case) -> Outcome:
        return replace(correct(case), running_mean=case.running_mean)

    assert smoked(never_averages_the_mean) == Smoke()
    assert {one.words for one in smoked(complemented_for_maps).notes} == set()


def test_a_note_stands_beside_a_failure_in_its_output_only() -> None:
    found = Smoke(notes=(Note("running_mean", "a slip"), Note("y", "another")))
    aside = "in the smoke test it was just what a slip gives, which the adapter may have done"
    assert found.asides("fails", ("running_mean",)) == [aside]
    assert found.asides("fails", ("dx", "running_mean")) == [aside]
    assert found.asides("conforms", ("running_mean",)) == []
    assert found.asides("fails", ("running_var",)) == []
    assert found.asides("fails", ()) == []


def test_one_that_raises_on_every_case_is_unanswered_and_not_broken() -> None:
    def raises(case: Case) -> Outcome:
        raise RuntimeError("no working compiler")

    def raises_in_inference(case: Case) -> Outcome:
        return raises(case) if case.mode == "infer" else correct(case)

    assert (smoked(raises).unanswered, smoked(raises).broken) == (True, None)
    assert not smoked(raises_in_inference).unanswered
    assert not smoked(correct).unanswered


def test_a_gradient_that_is_missing_beside_others_is_told_and_a_missing_backward_pass_is_not() -> None:
    assert smoked(without("dgamma")).lacks == ("dgamma",)
    assert smoked(without("dx", "dgamma", "dbeta")).lacks == ()
    assert smoked(correct).lacks == ()
