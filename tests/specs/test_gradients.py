"""The gradients chapter finds correct arithmetic in its own type right, and each wrong derivative wrong."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from worlds import rounded_normalization, rounded_second_order
from worlds.channel_regimes import TYPES
from worlds.drawing import draw

from bnconform import Case, Dialect, Outcome
from bnconform.cases.strategies import Traits
from bnconform.contract.axes import from_rows, to_rows
from bnconform.engine.book import all_specs
from bnconform.engine.spec import Subject
from bnconform.relations import gradients

CHAPTER = {one.id: one for one in all_specs() if one.chapter == "gradients"}
FURTHER = [name for name, one in CHAPTER.items() if one.given.derivatives != "first"]
RELATIONS = (
    "sends_no_gradient_to_a_bias_before_it",
    "leaves_the_share_of_epsilon_along_the_values",
    "halves_the_gradient_of_a_doubled_input",
)
VARIANT = rounded_normalization.Variant()


def flat(case: Case) -> Case:
    """Returns the case as matrices with everything in it; what was absent is one or zero, and does not move."""
    tensors = {name: getattr(case, name) for name in ("x", "dy", "dot_x", "bar_dx")}
    rows = {name: None if a is None else to_rows(a, case.axis) for name, a in tensors.items()}
    none, one = np.zeros(case.channels, case.x.dtype), np.ones(case.channels, case.x.dtype)
    vectors = {"gamma": one, "beta": none, **dict.fromkeys(("dot_gamma", "dot_beta", "bar_dgamma", "bar_dbeta"), none)}
    given = {name: value if (a := getattr(case, name)) is None else a for name, value in vectors.items()}
    rows = {name: np.zeros_like(rows["x"]) if a is None else a for name, a in rows.items()}
    return replace(case, axis=1, **rows, **given)


def answer(case: Case, form: str) -> Outcome:
    """Returns everything that the case asks for, computed in its own type."""
    matrices, dtype = flat(case), TYPES[case.dtype]
    with np.errstate(all="ignore"):
        found = rounded_normalization.outputs(matrices, VARIANT, dtype, dtype)
        if case.needs:
            found |= rounded_second_order.outputs(matrices, "forward", form, dtype, dtype)
    shaped = {n: from_rows(a, case.x.shape, case.axis) if a.ndim == 2 else a for n, a in found.items()}
    absent = {"dgamma", "grad_gamma"} if case.gamma is None else set()
    return Outcome(**{n: a for n, a in shaped.items() if n not in absent})


def altered(case: Case, **changed: Any) -> Outcome:
    """Returns the right outcome but for these outputs, each a function of it."""
    right = answer(case, "closed")
    return replace(right, **{name: change(right, case) for name, change in changed.items()})


def verdicts(name: str, dtype: str, run: Any, count: int) -> set[str]:
    one = CHAPTER[name]
    drawn = draw(one.given.strategy(Traits(dtype)), count)
    return {one.judge(Subject(run, Dialect()), case).verdict for case in drawn}


@pytest.mark.parametrize("dtype", list(TYPES))
@pytest.mark.parametrize("name", [*FURTHER, *RELATIONS])
def test_correct_arithmetic_conforms(name: str, dtype: str) -> None:
    for form in rounded_second_order.FORMS if name in FURTHER else ("closed",):
        found = verdicts(name, dtype, lambda case, form=form: answer(case, form), 12)
        assert found == {"conforms"} or (dtype in ("float16", "bfloat16") and found <= {"conforms", "unsupported"})


def halved(name: str) -> Any:
    return lambda right, case: getattr(right, name) / getattr(right, name).dtype.type(2)


def moved(right: Outcome, case: Case) -> np.ndarray:
    """Returns dx as if its mean had been left in."""
    return right.dx + right.dx.dtype.type(0.125) * np.abs(right.dx).max()


def uncoupled(right: Outcome, case: Case) -> np.ndarray:
    """Returns dx as if the variance were a constant."""
    matrices = flat(case)
    g, gamma, x = (a.astype(float) for a in (matrices.dy, matrices.gamma, matrices.x))
    dx = gamma / np.sqrt(x.var(0) + case.eps) * (g - g.mean(0))
    return from_rows(dx.astype(case.x.dtype), case.x.shape, case.axis)


WRONG = {
    "sends_no_gradient_to_a_bias_before_it": {"dx": moved},
    "leaves_the_share_of_epsilon_along_the_values": {"dx": uncoupled},
    "pushes_tangents_through_the_statistics": {"dot_y": halved("dot_y")},
    "pushes_tangents_past_the_running_statistics": {"dot_y": halved("dot_y")},
    "pairs_tangents_with_gradients": {"dx": halved("dx")},
    "pairs_tangents_with_gradients_in_inference": {"dx": halved("dx")},
    "sends_second_gradients_to_the_input": {"grad_x": halved("grad_x")},
    "sends_second_gradients_to_the_scale": {"grad_gamma": halved("grad_gamma")},
    "sends_second_gradients_to_the_cotangent": {"grad_dy": halved("grad_dy")},
    "needs_no_scale_for_second_gradients": {"grad_dy": halved("grad_dy")},
    "sends_second_gradients_to_the_input_in_inference": {"grad_x": halved("grad_x")},
    "sends_second_gradients_to_the_scale_in_inference": {"grad_gamma": halved("grad_gamma")},
    "sends_second_gradients_to_the_cotangent_in_inference": {"grad_dy": halved("grad_dy")},
}


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_derivative_fails_by_the_spec_that_states_it(name: str, dtype: str) -> None:
    assert "fails" in verdicts(name, dtype, lambda case: altered(case, **WRONG[name]), 8)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_gradient_that_ignores_the_size_of_the_input_fails(dtype: str) -> None:
    def constant(right: Outcome, case: Case) -> np.ndarray:
        return np.ones_like(right.dx)

    name = "halves_the_gradient_of_a_doubled_input"
    assert "fails" in verdicts(name, dtype, lambda case: altered(case, dx=constant), 8)


def test_every_further_spec_is_shown_to_fail() -> None:
    assert set(WRONG) >= set(FURTHER)


@pytest.mark.parametrize("name", [*FURTHER, *RELATIONS])
def test_what_is_not_offered_is_unsupported_and_not_right(name: str) -> None:
    assert verdicts(name, "float32", lambda case: Outcome(y=case.x), 3) == {"unsupported"}


def test_the_doubled_case_keeps_its_cotangent_and_needs_nothing_further() -> None:
    case = draw(CHAPTER[RELATIONS[2]].given.strategy(Traits("float32")), 1)[0]
    doubled = gradients.doubled(case)
    assert doubled.dy is not None
    assert (doubled.x == 2 * case.x).all()
    assert doubled.eps == 4 * case.eps
