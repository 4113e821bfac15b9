"""A network's step over the reference, and how far another's step from the same state may lie from it in float64.

Rules: both sides round, so a bound on a sum counts twice; errors are carried through every operation in turn; products
of errors are covered by the factor SECOND_ORDER, since no error here reaches a millionth of what it belongs to.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from bnconform import Case, Dialect, Outcome
from bnconform.contract.axes import to_rows
from bnconform.oracle import bounds, reference
from bnconform.oracle.reference.quantities import solution
from bnconform.relations import network
from bnconform.relations.network import Call, Network, Task

Array = np.ndarray
U = 2.0**-53
SECOND_ORDER = 1 + 1e-6


def exact(case: Case) -> Outcome:
    """Returns the reference's outcome, in the types of the case."""
    kind = case.x.dtype
    found = {
        "y": reference.y(case),
        "running_mean": reference.running_mean(case),
        "running_var": reference.running_var(case),
    }
    if case.dy is not None:
        found |= {"dx": reference.dx(case), "dgamma": reference.dgamma(case), "dbeta": reference.dbeta(case)}
    return Outcome(**{name: array.astype(kind) for name, array in found.items()})


def state(one: Network) -> dict[str, Array]:
    """Returns all that a step changes, by name."""
    names = ("weight", "bias", "gamma", "beta", "running_mean", "running_var")
    found = {f"{name} of layer {place}": getattr(layer, name) for place, layer in enumerate(one.hidden, 1)
             for name in names}  # fmt: skip
    return {**found, "weight": one.weight, "bias": one.bias}


@dataclass(frozen=True)
class Signal:
    """A value on our side, and how far the other side's may lie from it."""

    value: Array
    error: Array


def product(a: Signal, b: Signal) -> Signal:
    """Returns the matrix product: γ_n·|a||b| twice, and what either error makes of it."""
    size, n = np.abs(a.value) @ np.abs(b.value), a.value.shape[1] + 1
    error = 2 * n * U * size + a.error @ np.abs(b.value) + np.abs(a.value) @ b.error
    return Signal(a.value @ b.value, error * SECOND_ORDER)


def transposed(a: Signal) -> Signal:
    return Signal(a.value.T, a.error.T)


def summed(a: Signal) -> Signal:
    error = 2 * (len(a.value) + 1) * U * np.abs(a.value).sum(axis=0) + a.error.sum(axis=0)
    return Signal(a.value.sum(axis=0), error * SECOND_ORDER)


def plus(a: Signal, b: Signal) -> Signal:
    value = a.value + b.value
    return Signal(value, (a.error + b.error + 2 * U * np.abs(value)) * SECOND_ORDER)


def known(value: Array) -> Signal:
    return Signal(value, np.zeros_like(value))


class Layer:
    """Batch normalization of one call, for an input and a cotangent that are off by their errors."""

    def __init__(self, call: Call, x: Array) -> None:
        self.case, self.dialect, self.off = call.whole, Dialect(), x
        stats = solution(self.case).batch_values
        self.h, self.r = stats.h, stats.r
        self.gamma = np.abs(np.asarray(self.case.gamma))
        rms = np.sqrt(np.mean(x * x, axis=0))
        root = 1 / self.r
        # (d + e)/(R + f) - d/R with |e| ≤ x + mean(x) and |f| ≤ rms(x), as √(v + ε) is a norm of the deviations
        self.h_off = (x + x.mean(axis=0) + np.abs(self.h) * rms) / (root - rms)
        self.spread_off = rms * (2 * stats.spread + rms)

    def y(self) -> Signal:
        y = to_rows(reference.y(self.case), -1)
        own = to_rows(bounds.y(self.case, self.dialect).allowance, -1)
        return Signal(y, (own + U * np.abs(y) + self.gamma * self.h_off) * SECOND_ORDER)

    def dx(self, g: Array) -> Signal:
        """γ·r·P(g) is linear in g; along x: dr = -r²·mean(h·ẋ), dP = -ḣ·mean(g·h) - h·mean(g·ḣ)."""
        found = solution(self.case).gradients
        h, value = np.abs(self.h), np.abs(to_rows(np.asarray(self.case.dy), -1))
        through_g = g + g.mean(axis=0) + h * np.mean(h * g, axis=0)
        turned = self.h_off * np.abs(found.component) + h * np.mean(value * self.h_off, axis=0)
        shrunk = self.r * np.mean(h * self.off, axis=0) * np.abs(found.projection)
        own = to_rows(bounds.dx(self.case, self.dialect).allowance, -1)
        error = own + U * np.abs(found.dx) + self.gamma * self.r * (through_g + turned + shrunk)
        return Signal(found.dx, error * SECOND_ORDER)

    def dgamma(self, g: Array) -> Signal:
        found, value = reference.dgamma(self.case), np.abs(to_rows(np.asarray(self.case.dy), -1))
        moved = (np.abs(self.h) * g + value * self.h_off).sum(axis=0)
        return Signal(found, (bounds.dgamma(self.case, self.dialect).allowance + moved) * SECOND_ORDER)

    def dbeta(self, g: Array) -> Signal:
        found = reference.dbeta(self.case)
        return Signal(found, (bounds.dbeta(self.case, self.dialect).allowance + g.sum(axis=0)) * SECOND_ORDER)

    def averages(self) -> dict[str, Array]:
        weight, m = self.case.momentum, self.case.rows
        mean = bounds.running_mean(self.case, self.dialect).allowance + weight * self.off.mean(axis=0)
        var = bounds.running_var(self.case, self.dialect).allowance + weight * m / (m - 1) * self.spread_off
        return {"running_mean": mean * SECOND_ORDER, "running_var": var * SECOND_ORDER}


def allowances(before: Network, task: Task) -> dict[str, Array]:
    """Bounds how far the state after another's step may lie from that after ours, both from `before`."""
    _, calls = network.step(exact, before, task)
    entered, layers, outputs, linears = [known(task.inputs)], [], [], []
    for layer, call in zip(before.hidden, calls, strict=True):
        linear = plus(product(entered[-1], known(layer.weight)), known(layer.bias))
        one = Layer(call, linear.error)
        y = one.y()
        layers.append(one), outputs.append(y), linears.append(linear)
        entered.append(y if task.after else _rectified(y))
    signal = _residual(plus(product(entered[-1], known(before.weight)), known(before.bias)), task)
    moved = {"weight": product(transposed(entered[-1]), signal), "bias": summed(signal)}
    errors: dict[str, Array] = {}
    signal = product(signal, transposed(known(before.weight)))
    for place in range(len(layers), 0, -1):
        layer, one = before.hidden[place - 1], layers[place - 1]
        active = (linears if task.after else outputs)[place - 1]
        g = signal if task.after else _gated(signal, active)
        gradient = one.dx(g.error)
        gradient = _gated(gradient, active) if task.after else gradient
        own = {"weight": product(transposed(entered[place - 1]), gradient), "bias": summed(gradient)}
        own |= {"gamma": one.dgamma(g.error), "beta": one.dbeta(g.error)}
        moved |= {f"{name} of layer {place}": found for name, found in own.items()}
        errors |= {f"{name} of layer {place}": error for name, error in one.averages().items()}
        signal = product(gradient, transposed(known(layer.weight)))
    rate, old = network.RATE / len(task.inputs), state(before)
    # Two roundings on either side: the product with the rate, which itself is rounded, and the difference.
    return errors | {
        name: rate * one.error * SECOND_ORDER + 6 * U * (np.abs(old[name]) + rate * (np.abs(one.value) + one.error))
        for name, one in moved.items()
    }


def _rectified(y: Signal) -> Signal:
    return Signal(np.maximum(y.value, 0.0), y.error)


def _gated(signal: Signal, by: Signal) -> Signal:
    """Returns the signal where `by` is positive, which both sides must agree on."""
    assert np.all(np.abs(by.value) > by.error), "a value stands so near the kink of the rectifier that a side is open"
    return Signal(signal.value * (by.value > 0), signal.error * (by.value > 0))


def _residual(logits: Signal, task: Task) -> Signal:
    """Returns softmax - classes. A share p is off by p·2·max(error), and on either side by a few roundings: those of
    log p, of size |log p| ≤ range + log 2, and of its power, taken as eight each."""
    powers = np.exp(logits.value - logits.value.max(axis=1, keepdims=True))
    share = powers / powers.sum(axis=1, keepdims=True)
    reach = np.ptp(logits.value, axis=1, keepdims=True) + np.abs(logits.value).max(axis=1, keepdims=True) + 1
    error = share * (2 * logits.error.max(axis=1, keepdims=True) + 16 * U * reach) + 2 * U
    return Signal(share - task.classes, error * SECOND_ORDER)
