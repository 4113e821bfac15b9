"""Each spec of training can fail, right implementations keep it in every dtype; what an optimizer carries on
of a bound holds for every error that the gradients may have; the witness of a network is the one call that was wrong.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from worlds import miniatures
from worlds.drawing import DTYPES
from worlds.searches import SPECS, Here, biased, correct, implementation, miniature, searched, verdicts, without

from bnconform import Case, Dialect, Outcome
from bnconform.cases.populations import inputs
from bnconform.engine.spec import Subject
from bnconform.oracle.bounds import Bound
from bnconform.relations import optimizers
from bnconform.relations.optimizers import ADAM, GRADIENT_DESCENT, RMSPROP, Optimizer, Past

STEPS = ("takes_steps_of_gradient_descent", "takes_steps_of_rmsprop", "takes_steps_of_adam")
MOMENTS = "keeps_its_moments_while_the_input_drifts"
NETWORKS = ("trains_a_network_step_by_step", "trains_a_network_normalized_after_the_activation")
NOISE = ("varies_with_the_batch_as_its_exact_distribution", "adds_the_noise_of_the_other_examples")
NEW = (*STEPS, MOMENTS, *NETWORKS, *NOISE)
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


def hurried(case: Case) -> Outcome:
    """Weighs the new statistics by a thousandth too much."""
    return correct(replace(case, momentum=case.momentum * 1.001))


def stopped(case: Case) -> Outcome:
    with np.errstate(all="ignore"):
        return miniatures.run(miniatures.Mathematics(stopped_gradient=True), case)


def epsilon_outside(case: Case) -> Outcome:
    with np.errstate(all="ignore"):
        return miniatures.run(miniatures.Mathematics(epsilon_outside=True), case)


def half_of_the_batch(case: Case) -> Outcome:
    """Takes the statistics of the first half of the batch for those of all of it, where the halves differ."""
    found = correct(case)
    half = case.x.shape[0] // 2
    if case.mode == "infer" or half < 2:
        return found
    of_half = correct(replace(case, x=case.x[:half], dy=None))
    mean, var = of_half.running_mean, of_half.running_var
    return found if mean is None else replace(found, running_mean=mean, running_var=var)


def one_too_many(case: Case) -> Outcome:
    """Divides the sum of the batch by m + 1."""
    found = correct(case)
    if case.running_mean is None or found.running_mean is None or case.mode == "infer":
        return found
    one = case.x.dtype.type
    lost = one(case.momentum) * one(1 / (case.rows + 1))
    mean = case.x.mean(axis=tuple(i for i in range(case.x.ndim) if i != case.axis % case.x.ndim))
    return replace(found, running_mean=found.running_mean - lost * mean)


def undeclared(case: Case) -> Outcome:
    """Averages the biased variance without a word in its Dialect."""
    return biased(case)


def repeats_the_first(case: Case) -> Outcome:
    """Normalizes the first example by the population where all others are normalized by the batch."""
    found = correct(case)
    if case.mode == "infer" or case.running_mean is None or found.y is None:
        return found
    y = found.y.copy()
    y[:1] = correct(replace(case, mode="infer", dy=None)).y[:1]
    return replace(found, y=y)


FAULTS: dict[Callable[[Case], Outcome], set[str]] = {
    averaged_gradients: {*STEPS, *NETWORKS},
    forgets_the_shift: {*STEPS, *NETWORKS},
    unbiased: {*STEPS, MOMENTS, *NETWORKS, NOISE[1]},
    hurried: set(NETWORKS),
    stopped: set(NETWORKS),
    epsilon_outside: {*STEPS, MOMENTS, *NETWORKS},
    half_of_the_batch: {*NETWORKS, NOISE[0]},
    one_too_many: {*NETWORKS, NOISE[0]},
    undeclared: {*NETWORKS, NOISE[0]},
    repeats_the_first: {*NETWORKS, NOISE[1]},
}


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("run", FAULTS)
def test_a_wrong_one_fails_by_the_specs_that_state_it(run: Callable[[Case], Outcome], dtype: str) -> None:
    tallies = searched(implementation(run), *NEW, dtype=dtype, examples=8)
    assert {name for name, verdict in verdicts(tallies).items() if verdict == "fails"} == FAULTS[run]


def test_what_is_not_offered_is_not_judged() -> None:
    offered = implementation(without("y", "dgamma", "dbeta", "running_mean", "running_var"))
    tallies = searched(offered, *NEW, examples=5)
    assert set(verdicts(tallies).values()) == {"unsupported"}
    assert all(any(one.kind == "not offered" for one in tally.missing) for tally in tallies.values())


@pytest.mark.parametrize("names", [("running_mean", "running_var"), ("dgamma", "dbeta")])
def test_a_network_is_trained_without_what_it_can_do_without(names: tuple[str, ...]) -> None:
    tallies = searched(implementation(without(*names)), *NETWORKS)
    assert set(verdicts(tallies).values()) == {"conforms"}


def test_a_declared_biased_variance_varies_as_it_should() -> None:
    tallies = searched(implementation(biased, Dialect(running_var="biased")), *NETWORKS, *NOISE)
    assert set(verdicts(tallies).values()) == {"conforms"}


def test_a_handful_of_examples_is_enough_where_each_is_many_calls() -> None:
    host = Here(implementation(correct))
    tallies = searched(host, *NETWORKS, examples=100)
    assert {tally.examples for tally in tallies.values()} == {3}
    assert len(host.asked) == 3 * 2 * 20 * 2 * 2  # examples, specs, steps, layers, passes
    assert {tally.examples for tally in searched(implementation(correct), *NOISE, examples=100).values()} == {2}
    assert {tally.examples for tally in searched(implementation(correct), *NOISE, examples=1).values()} == {1}


@pytest.mark.parametrize("spec", [*NETWORKS, *NOISE])
def test_a_witness_is_one_small_call_that_shows_the_same_by_itself(spec: str) -> None:
    run = implementation(repeats_the_first if spec == NOISE[1] else undeclared)
    tally = searched(run, spec)[spec]
    assert tally.failure is not None
    witness, worst = tally.failure.case, tally.failure.judged.worst
    assert worst is not None
    assert witness.x.size <= 16
    assert worst.quantity == ("y" if spec == NOISE[1] else "running_var")
    again = SPECS[spec].judge(Subject(lambda case: run.run(case), run.dialect), replace(witness))
    assert again.verdict == "fails"
    assert again.worst is not None
    assert again.worst.ratio == worst.ratio


def test_what_no_small_call_shows_is_shown_by_the_call_of_the_network() -> None:
    def wide(case: Case) -> Outcome:
        return stopped(case) if case.channels == 32 else correct(case)

    run = implementation(wide)
    tally = searched(run, NETWORKS[1])[NETWORKS[1]]
    assert tally.verdict == "fails"
    assert tally.failure is not None
    assert tally.failure.case.x.shape == (12, 32)
    assert tally.failure.case.dy is not None
    again = SPECS[NETWORKS[1]].judge(Subject(lambda case: run.run(case), run.dialect), replace(tally.failure.case))
    assert again.verdict == "fails"


def test_a_wrong_call_of_a_network_ends_it() -> None:
    host = Here(implementation(stopped))
    case = inputs("float64", 2, settings=(0.3, 0.1), seed=1)
    judged = SPECS[NETWORKS[0]].judge(Subject(lambda one: host.run("bn.norm", one), Dialect()), case)
    assert judged.verdict == "fails"
    assert len(host.asked) == 4
    assert judged.worst is not None
    assert judged.worst.quantity == "dx of layer 1 in step 1"
    assert judged.worst.case is host.asked[-1]


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
