"""The network that trains by an implementation's batch normalization: its gradients are those of its loss, it begins
where ε matters, a case alone rebuilds it, and every step goes on from what was returned."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from worlds.drawing import DTYPES, printed
from worlds.networks import exact

from bnconform import Case, Outcome
from bnconform.cases import populations
from bnconform.contract.axes import to_rows
from bnconform.engine.spec import NotOfferedError
from bnconform.oracle import reference
from bnconform.relations import network
from bnconform.relations.network import Network, Task

ORDERS = pytest.mark.parametrize("after", [False, True], ids=["before the activation", "after the activation"])


def drawn(dtype: str = "float64", rank: int = 2, eps: float = 0.02, seed: int = 0) -> Case:
    return populations.inputs(dtype, rank, settings=(eps, 0.1), seed=seed)


def loss(one: Network, task: Task) -> float:
    """Returns the cross-entropy, summed over the examples, by the reference's batch normalization."""
    rows = task.inputs
    for layer in one.hidden:
        linear = rows @ layer.weight + layer.bias
        shown = np.maximum(linear, 0) if task.after else linear
        v, mean = shown.var(axis=0), shown.mean(axis=0)
        y = (shown - mean) / np.sqrt(v + task.case.eps) * layer.gamma + layer.beta
        rows = y if task.after else np.maximum(y, 0)
    logits = rows @ one.weight + one.bias
    return float((np.log(np.exp(logits).sum(axis=1)) - (logits * task.classes).sum(axis=1)).sum())


def parameters(one: Network) -> list[np.ndarray]:
    layers = [array for layer in one.hidden for array in (layer.weight, layer.bias, layer.gamma, layer.beta)]
    return [*layers, one.weight, one.bias]


@ORDERS
def test_a_step_goes_down_the_gradient_of_the_loss(after: bool) -> None:
    task, before = network.begin(drawn(eps=0.3), after=after)
    moved, _ = network.step(exact, before, task)
    rng = np.random.default_rng(1)
    for place, (old, new) in enumerate(zip(parameters(before), parameters(moved), strict=True)):
        way = rng.standard_normal(old.shape)
        gradient = float(np.sum((old - new) * way)) * len(task.inputs) / network.RATE
        # Central differences by Richardson: off by h⁴ and by rounding over h, both far below what is asked.
        slopes = [(loss(along(before, place, h * way), task) - loss(along(before, place, -h * way), task)) / (2 * h)
                  for h in (1e-4, 2e-4)]  # fmt: skip
        assert gradient == pytest.approx((4 * slopes[0] - slopes[1]) / 3, rel=1e-5, abs=1e-6)


def along(one: Network, place: int, way: np.ndarray) -> Network:
    """Returns the network with one of its parameters moved."""
    names = ("weight", "bias", "gamma", "beta")
    if place >= 4 * len(one.hidden):
        name = names[place % 4]
        return replace(one, **{name: getattr(one, name) + way})
    hidden, name = list(one.hidden), names[place % 4]
    layer = hidden[place // 4]
    hidden[place // 4] = replace(layer, **{name: getattr(layer, name) + way})
    return replace(one, hidden=tuple(hidden))


@ORDERS
@pytest.mark.parametrize("seed", range(3))
def test_twenty_steps_learn(after: bool, seed: int) -> None:
    task, one = network.begin(drawn(seed=seed), after=after)
    first = loss(one, task)
    for _ in range(network.STEPS):
        one, _ = network.step(exact, one, task)
    assert loss(one, task) < 0.7 * first


@ORDERS
@pytest.mark.parametrize("eps", [1e-5, 0.02, 0.3])
def test_some_channels_begin_with_a_variance_near_epsilon(after: bool, eps: float) -> None:
    _, calls = next(network.train(exact, drawn(eps=eps), after=after))
    for call in calls:
        shares = reference.batch_var(call.whole) / eps
        assert np.count_nonzero((shares > 0.03) & (shares < 30)) >= call.whole.channels / 4


@pytest.mark.parametrize("eps", [0.02, 0.3])
def test_and_stay_there_where_epsilon_is_large(eps: float) -> None:
    *_, (_, calls) = network.train(exact, drawn(eps=eps), after=False)
    for call in calls:
        shares = reference.batch_var(call.whole) / eps
        assert np.count_nonzero((shares > 0.03) & (shares < 30)) >= call.whole.channels / 4


def test_a_case_alone_rebuilds_its_network() -> None:
    def last(case: Case) -> str:
        *_, (_, calls) = network.train(exact, case, after=False)
        return printed(calls[-1].whole)

    case = drawn()
    assert last(case) == last(replace(case, x=case.x.copy()))
    other = case.x.copy()
    other[0, 0] = np.nextafter(other[0, 0], 2)
    assert last(case) != last(replace(case, x=other))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("rank", [2, 4])
def test_calls_are_of_the_types_and_the_layout_of_the_case(dtype: str, rank: int) -> None:
    steps = list(network.train(exact, drawn(dtype, rank), after=True))
    assert [number for number, _ in steps] == list(range(1, 21))
    for _, calls in steps:
        assert [call.whole.channels for call in calls] == list(network.HIDDEN)
        for call in calls:
            assert call.forward.dy is None
            assert call.whole.dy is not None
            assert call.whole.x is call.forward.x or np.array_equal(call.whole.x, call.forward.x)
            assert call.whole.x.shape == (12, *[1] * (rank - 2), call.whole.channels)
            held = (call.whole.x, call.whole.dy, call.whole.gamma, call.whole.beta, call.whole.running_mean)
            assert {str(array.dtype) for array in held if array is not None} == {dtype}


def test_a_layer_has_the_first_layers_output_for_its_input_and_goes_on_from_what_was_returned() -> None:
    def odd(case: Case) -> Outcome:
        return replace(exact(case), running_mean=np.full(case.channels, 7.0), dbeta=np.full(case.channels, 120.0))

    case = drawn()
    (_, first), (_, second), *_ = network.train(odd, case, after=False)
    for before, after in zip(first, second, strict=True):
        assert np.all(after.whole.running_mean == 7.0)
        assert before.whole.beta is not None
        assert np.all(after.whole.beta == before.whole.beta - network.RATE / 12 * 120.0)
    _, start = network.begin(case, after=False)
    y = np.maximum(to_rows(reference.y(first[0].forward), -1), 0)
    assert np.array_equal(first[1].forward.x, y @ start.hidden[1].weight + start.hidden[1].bias)


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_nothing_is_trained_on_after_a_gradient_that_is_no_number(value: float) -> None:
    def overflows(case: Case) -> Outcome:
        found = exact(case)
        return found if found.dx is None else replace(found, dx=np.full_like(found.dx, value))

    ((number, calls),) = network.train(overflows, drawn(), after=False)
    assert (number, len(calls)) == (1, 2)


@pytest.mark.parametrize("name", ["y", "dx"])
def test_without_outputs_or_gradients_nothing_is_trained(name: str) -> None:
    with pytest.raises(NotOfferedError, match=f"{name} is not offered"):
        next(network.train(lambda case: replace(exact(case), **{name: None}), drawn(), after=False))


@pytest.mark.parametrize("names", [("running_mean", "running_var"), ("dgamma", "dbeta")])
def test_what_else_is_not_offered_stays_as_it_was(names: tuple[str, ...]) -> None:
    def without(case: Case) -> Outcome:
        return replace(exact(case), **dict.fromkeys(names))

    (_, first), (_, second), *_ = network.train(without, drawn(), after=False)
    for name in (name.removeprefix("d") for name in names):
        assert np.array_equal(getattr(first[0].whole, name), getattr(second[0].whole, name))
