"""The network of the specs has twins in torch and in JAX, written as their users write them: from the same state each
step is the same, within bounds that follow from rounding; a wrong twin is caught."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from worlds.networks import allowances, exact, state

from bnconform.cases import populations
from bnconform.relations import network
from bnconform.relations.network import Hidden, Network, Task

Twin = Callable[[Network, Task], Iterator[Network]]  # yields the state after each step that it takes by itself
ORDERS = pytest.mark.parametrize("after", [False, True], ids=["before the activation", "after the activation"])


def begun(eps: float, after: bool, seed: int = 0) -> tuple[Task, Network]:
    return network.begin(populations.inputs("float64", 2, settings=(eps, 0.1), seed=seed), after=after)


def worst(twin: Twin, task: Task, start: Network) -> tuple[float, str]:
    """Returns how near a step of the twin comes to its bound, and where; each begins at the twin's own state."""
    found, before = (0.0, ""), start
    for number, theirs in enumerate(twin(start, task), 1):
        ours, within = network.step(exact, before, task)[0], allowances(before, task)
        for name, value in state(theirs).items():
            error = np.abs(value - state(ours)[name])
            assert np.all(np.isfinite(within[name])), f"{name} has no bound"
            # A channel that is zero throughout has the bound zero, and its error is none.
            ratios = np.divide(error, within[name], out=np.where(error > 0, np.inf, 0.0), where=within[name] > 0)
            found = max(found, (float(np.nan_to_num(ratios, nan=np.inf).max()), f"{name} in step {number}"))
        before = theirs
        if found[0] > 1:
            break
    else:
        assert number == network.STEPS
    return found


def torch_twin(start: Network, task: Task, *, momentum: float = 1.0, stopped: bool = False) -> Iterator[Network]:
    """Trains torch.nn.Linear, torch.nn.BatchNorm1d and torch.nn.ReLU by torch.optim.SGD."""
    torch = pytest.importorskip("torch")

    class Stopped(torch.nn.BatchNorm1d):  # type: ignore[name-defined,misc]
        def forward(self, x: Any) -> Any:
            super().forward(x)
            mean, var = x.detach().mean(0), x.detach().var(0, correction=0)
            return (x - mean) / torch.sqrt(var + self.eps) * self.weight + self.bias

    linears, norms, layers = [], [], []
    for one in start.hidden:
        linear = torch.nn.Linear(*one.weight.shape, dtype=torch.float64)
        kind = Stopped if stopped else torch.nn.BatchNorm1d
        norm = kind(len(one.bias), task.case.eps, task.case.momentum * momentum, dtype=torch.float64)
        linears.append(linear), norms.append(norm)
        layers += [linear, torch.nn.ReLU(), norm] if task.after else [linear, norm, torch.nn.ReLU()]
    linears.append(torch.nn.Linear(*start.weight.shape, dtype=torch.float64))
    model = torch.nn.Sequential(*layers, linears[-1])
    pairs = [(linear.weight, one.weight.T) for linear, one in zip(linears, (*start.hidden, start), strict=True)]
    pairs += [(linear.bias, one.bias) for linear, one in zip(linears, (*start.hidden, start), strict=True)]
    for norm, one in zip(norms, start.hidden, strict=True):
        pairs += [(norm.weight, one.gamma), (norm.bias, one.beta)]
        pairs += [(norm.running_mean, one.running_mean), (norm.running_var, one.running_var)]
    with torch.no_grad():
        for tensor, array in pairs:
            tensor.copy_(torch.from_numpy(array.copy()))
    inputs, classes = torch.from_numpy(task.inputs), torch.from_numpy(task.classes.argmax(axis=1))
    optimizer = torch.optim.SGD(model.parameters(), lr=network.RATE / len(inputs))
    for _ in range(network.STEPS):
        optimizer.zero_grad()
        torch.nn.functional.cross_entropy(model(inputs), classes, reduction="sum").backward()
        optimizer.step()
        yield _read(linears, norms)


def _read(linears: list[Any], norms: list[Any]) -> Network:
    def array(tensor: Any) -> np.ndarray:
        return np.array(tensor.detach().numpy())

    hidden = tuple(
        Hidden(array(linear.weight).T, *map(array, (linear.bias, n.weight, n.bias, n.running_mean, n.running_var)))
        for linear, n in zip(linears, norms, strict=False)
    )
    return Network(hidden, array(linears[-1].weight).T, array(linears[-1].bias))


def jax_twin(
    start: Network, task: Task, *, momentum: float = 1.0, stopped: bool = False, outside: bool = False
) -> Iterator[Network]:
    """Trains plain functions of jax.numpy by jax.grad."""
    jax = pytest.importorskip("jax")
    jnp, names = jax.numpy, ("weight", "bias", "gamma", "beta")
    weight = task.case.momentum * momentum

    def normalized(x: Any, gamma: Any, beta: Any) -> tuple[Any, Any, Any]:
        mean, var = x.mean(0), x.var(0)
        if stopped:
            mean, var = jax.lax.stop_gradient((mean, var))
        root = jnp.sqrt(var) + task.case.eps if outside else jnp.sqrt(var + task.case.eps)
        return (x - mean) / root * gamma + beta, mean, x.var(0, ddof=1)

    def loss(params: Any) -> tuple[Any, list[tuple[Any, Any]]]:
        rows, seen = jnp.asarray(task.inputs), []
        for kernel, bias, gamma, beta in params[0]:
            linear = rows @ kernel + bias
            y, *statistics = normalized(jax.nn.relu(linear) if task.after else linear, gamma, beta)
            rows = y if task.after else jax.nn.relu(y)
            seen.append(tuple(statistics))
        logits = rows @ params[1] + params[2]
        return -(jax.nn.log_softmax(logits) * task.classes).sum(), seen

    @jax.jit
    def step(params: Any, running: Any) -> tuple[Any, Any]:
        gradients, seen = jax.grad(loss, has_aux=True)(params)
        moved = jax.tree.map(lambda p, g: p - network.RATE / len(task.inputs) * g, params, gradients)
        return moved, jax.tree.map(lambda old, new: (1 - weight) * old + weight * new, running, seen)

    with jax.enable_x64(True):
        params = ([tuple(getattr(one, name) for name in names) for one in start.hidden], start.weight, start.bias)
        running = [(one.running_mean, one.running_var) for one in start.hidden]
        for _ in range(network.STEPS):
            params, running = step(params, running)
            layers = [Hidden(*map(np.asarray, (*own, *both))) for own, both in zip(params[0], running, strict=True)]
            yield Network(tuple(layers), np.asarray(params[1]), np.asarray(params[2]))


TWINS = pytest.mark.parametrize("twin", [torch_twin, jax_twin])


@TWINS
@ORDERS
@pytest.mark.parametrize("eps", [1e-3, 0.02, 0.3])
def test_a_twin_takes_the_same_steps(twin: Twin, eps: float, after: bool) -> None:
    ratio, where = worst(twin, *begun(eps, after))
    assert ratio <= 1, where
    assert ratio > 1e-4, "the bound says nothing"


def wrong(twin: Callable[..., Iterator[Network]], **how: Any) -> Twin:
    return lambda start, task: twin(start, task, **how)


WRONG = {
    "torch, momentum a thousandth larger": wrong(torch_twin, momentum=1.001),
    "torch, stopped gradient": wrong(torch_twin, stopped=True),
    "jax, momentum a thousandth larger": wrong(jax_twin, momentum=1.001),
    "jax, stopped gradient": wrong(jax_twin, stopped=True),
    "jax, epsilon outside the root": wrong(jax_twin, outside=True),
}


@ORDERS
@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_twin_is_caught(name: str, after: bool) -> None:
    ratio, _ = worst(WRONG[name], *begun(0.02, after))
    assert ratio > 1e6


def test_a_step_that_is_off_by_a_few_roundings_more_is_beyond_the_bound() -> None:
    task, start = begun(0.02, False)

    def near(start: Network, task: Task) -> Iterator[Network]:
        moved, within = network.step(exact, start, task)[0], allowances(start, task)
        yield replace(moved, weight=moved.weight + 1.5 * within["weight"])

    assert 1 < worst(near, task, start)[0] < 2
