"""Each spec of training can fail, right implementations keep it in every dtype; what an optimizer carries on
of a bound holds for every error that the gradients may have."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import miniatures
import numpy as np
import pytest
from drawing import DTYPES
from search_world import correct, implementation, miniature, searched, verdicts, without

from bnconform import Case, Outcome, optimizers
from bnconform.bounds import Bound
from bnconform.optimizers import ADAM, GRADIENT_DESCENT, RMSPROP, Optimizer, Past

STEPS = ("takes_steps_of_gradient_descent", "takes_steps_of_rmsprop", "takes_steps_of_adam")
MOMENTS = "keeps_its_moments_while_the_input_drifts"
NEW = (*STEPS, MOMENTS)
RULES = {"gradient descent": GRADIENT_DESCENT, "rmsprop": RMSPROP, "adam": ADAM}


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", miniatures.CORRECT)
def test_a_correct_one_keeps_every_spec(name: str, dtype: str) -> None:
    for tally in searched(miniature(name), *NEW, dtype=dtype, examples=12).values():
        assert (tally.spec.id, tally.verdict, tally.ratio <= 1) == (tally.spec.id, "conforms", True)


def averaged_gradients(case: Case) -> Outcome:
    """Gives the mean of the gradients over the batch in place of their sum."""
    found = correct(case)
    if found.dgamma is None or found.dbeta is None:
        return found
    m = case.x.dtype.type(case.rows)
    return replace(found, dgamma=found.dgamma / m, dbeta=found.dbeta / m)


def forgets_the_shift(case: Case) -> Outcome:
    """Gives β no gradient, so that no optimizer moves it."""
    found = correct(case)
    return found if found.dbeta is None else replace(found, dbeta=np.zeros_like(found.dbeta))


def unbiased(case: Case) -> Outcome:
    with np.errstate(all="ignore"):
        return miniatures.run(miniatures.Mathematics(correction=1), case)


FAULTS: dict[Callable[[Case], Outcome], set[str]] = {
    averaged_gradients: set(STEPS),
    forgets_the_shift: set(STEPS),
    unbiased: set(NEW),
}


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("run", FAULTS)
def test_a_wrong_one_fails_by_the_specs_that_state_it(run: Callable[[Case], Outcome], dtype: str) -> None:
    tallies = searched(implementation(run), *NEW, dtype=dtype, examples=8)
    assert {name for name, verdict in verdicts(tallies).items() if verdict == "fails"} == FAULTS[run]


def test_what_is_not_offered_is_not_judged() -> None:
    tallies = searched(implementation(without("y", "dgamma", "dbeta")), *NEW, examples=5)
    assert set(verdicts(tallies).values()) == {"unsupported"}


def channels(seed: int) -> tuple[np.ndarray, Bound, Past]:
    rng = np.random.default_rng(seed)
    gradient = rng.standard_normal(64) * np.exp(3 * rng.standard_normal(64))
    scale = np.abs(gradient) * (1 + np.exp(rng.standard_normal(64)))
    bound = Bound(scale * 10.0 ** rng.uniform(-12, 0.3, 64), scale)
    return gradient, bound, optimizers.past_of(bound)


@pytest.mark.parametrize("seed", range(20))
@pytest.mark.parametrize("rule", RULES.values(), ids=RULES)
def test_no_gradient_within_its_bound_takes_a_step_beyond_the_carried_bound(rule: Optimizer, seed: int) -> None:
    gradient, bound, past = channels(seed)
    carried, exact = optimizers.carried(rule, gradient, bound, past), optimizers.step(rule, gradient, past)
    reached = np.zeros(64)
    for share in np.linspace(-1, 1, 41):
        off = gradient + share * bound.allowance
        off = np.where(np.abs(off - gradient) <= bound.allowance, off, gradient)  # the sum itself is rounded
        step = optimizers.step(rule, off, past)
        reached = np.maximum(reached, np.abs(step - exact) / carried.allowance)
    assert reached.max() <= 1
    assert reached.min() > 0.1  # what bounds both parts of the quotient by themselves is not far beyond what happens


@pytest.mark.parametrize("rule", RULES.values(), ids=RULES)
def test_a_gradient_without_a_bound_is_a_step_without_a_bound(rule: Optimizer) -> None:
    gradient, bound, past = channels(0)
    unknown = Bound(np.where(np.arange(64) < 3, np.inf, bound.allowance), bound.scale)
    carried = optimizers.carried(rule, gradient, unknown, past)
    assert np.isinf(carried.allowance).sum() == 3
    assert not carried.claims[:3].any()


def test_steps_are_those_of_the_textbook() -> None:
    g, past = np.array([3.0, -0.5]), Past(np.array([1.0, 2.0]), np.array([4.0, 0.25]))
    assert optimizers.step(GRADIENT_DESCENT, g, past) == pytest.approx(-0.01 * g)
    assert optimizers.step(RMSPROP, g, past) == pytest.approx(
        -0.01 * g / (np.sqrt(0.9 * past.square + 0.1 * g * g) + 1e-8)
    )
    mean = (0.9 * past.mean + 0.1 * g) / (1 - 0.9**10)
    square = (0.999 * past.square + 0.001 * g * g) / (1 - 0.999**10)
    assert optimizers.step(ADAM, g, past) == pytest.approx(-0.01 * mean / (np.sqrt(square) + 1e-8))
