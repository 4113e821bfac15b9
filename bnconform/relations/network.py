"""A small network, trained by gradient descent, with the batch normalization of the implementation.

Rules: linear layers, activations, loss and optimizer are computed in float64 and are never judged; the input of a batch
normalization is rounded to the dtype under test, and its output is taken as it is: each step begins at the
implementation's own state. Weights follow from a digest of the inputs, so that a case alone rebuilds its network.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import numpy as np

from bnconform.contract.axes import from_rows, to_rows
from bnconform.contract.case import Case
from bnconform.contract.dtypes import dtype_named
from bnconform.contract.outcome import Outcome
from bnconform.engine.agreement import Agreement, agree
from bnconform.engine.spec import NotOfferedError, Subject
from bnconform.oracle import bounds, reference
from bnconform.oracle.reference.reductions import Array
from bnconform.relations import comparisons, gradients

HIDDEN = (16, 32)
"""Units of the hidden layers, as in the listing of document 001."""
CLASSES = 2
"""Classes that the network tells apart, as in the listing of document 001."""
STEPS = 20
RATE = 0.1
SPREADS, OFFSETS = (0.3, 1.0, 3.0), (0.0, 0.7, 3.0)
"""Standard deviations in units of √ε, which half of the channels begin at; means in units of standard deviations."""
Normalize = Callable[[Case], Outcome]


@dataclass(frozen=True, eq=False)
class Hidden:
    """A hidden layer: weights (inputs, units) and bias in float64, and the parameters of its batch normalization."""

    weight: Array
    bias: Array
    gamma: np.ndarray
    beta: np.ndarray
    running_mean: np.ndarray
    running_var: np.ndarray


@dataclass(frozen=True, eq=False)
class Network:
    """Hidden layers, and the weights and bias of the linear layer that tells the classes apart."""

    hidden: tuple[Hidden, ...]
    weight: Array
    bias: Array


@dataclass(frozen=True, eq=False)
class Task:
    """The task of a network: inputs (m, features) and one-hot classes (m, 2); `case` lends layout and settings.

    after: True if a layer is normalized after its activation.
    """

    case: Case
    inputs: Array
    classes: Array
    after: bool


@dataclass(frozen=True, eq=False)
class Call:
    """The two cases of one layer in one step: a forward pass, and the same with the cotangent of y."""

    forward: Case
    whole: Case


@dataclass(frozen=True, eq=False)
class _Passed:
    """A layer's forward pass: its input, its linear part, the case asked of the implementation, and its output."""

    entered: Array
    linear: Array
    case: Case
    y: Array
    left: Array


def begin(case: Case, *, after: bool) -> tuple[Task, Network]:
    """Returns the task whose inputs are the case's x, and the network before its first step."""
    x = to_rows(case.x, case.axis).astype(np.float64)
    digest = hashlib.sha256(np.ascontiguousarray(case.x).tobytes()).digest()
    rng = np.random.default_rng(int.from_bytes(digest[:8], "little"))
    side = x @ rng.standard_normal(x.shape[1]) > 0
    task = Task(case, x, np.stack([side, ~side], axis=1).astype(np.float64), after)
    sizes = (x.shape[1], *HIDDEN)
    hidden = tuple(_hidden(rng, case, fan, units) for fan, units in zip(sizes, HIDDEN, strict=False))
    weight = rng.standard_normal((HIDDEN[-1], CLASSES)) / np.sqrt(HIDDEN[-1])
    return task, Network(hidden, weight, 0.1 * rng.standard_normal(CLASSES))


def _hidden(rng: np.random.Generator, case: Case, fan: int, units: int) -> Hidden:
    """Returns a layer half of whose channels have a variance near ε: only there does it show where ε stands."""
    unit = np.where(np.arange(units) % 2, 1.0, np.sqrt(case.eps))
    spread = unit * rng.choice(SPREADS, units)
    bias = spread * rng.choice(OFFSETS, units) * rng.choice((-1.0, 1.0), units)
    dtype = dtype_named(case.dtype)
    return Hidden(
        weight=rng.standard_normal((fan, units)) * spread / np.sqrt(fan),
        bias=bias,
        gamma=(rng.choice((-1.0, 1.0), units) * np.exp(0.5 * rng.standard_normal(units))).astype(dtype),
        beta=(0.5 * rng.standard_normal(units)).astype(dtype),
        running_mean=(bias + spread * rng.standard_normal(units)).astype(dtype),
        running_var=(spread**2 * np.exp(0.5 * rng.standard_normal(units))).astype(dtype),
    )


def train(bn: Normalize, case: Case, *, after: bool) -> Iterator[tuple[int, tuple[Call, ...]]]:
    """Yields the number of each step, from 1, with the calls of its layers.

    Training ends at a gradient that is no number; rounding allows one where an intermediate result may overflow.
    """
    task, network = begin(case, after=after)
    for number in range(1, STEPS + 1):
        network, calls = step(bn, network, task)
        yield number, calls
        if not all(np.isfinite(layer.weight).all() for layer in network.hidden):
            return


@np.errstate(all="ignore")
def step(bn: Normalize, network: Network, task: Task) -> tuple[Network, tuple[Call, ...]]:
    """Returns the network after one step of gradient descent on the cross-entropy, and the calls of its layers."""
    passed: list[_Passed] = []
    for layer in network.hidden:
        passed.append(_forward(bn, layer, passed[-1].left if passed else task.inputs, task))
    last = passed[-1].left
    signal = _softmax(last @ network.weight + network.bias) - task.classes
    rate = RATE / len(task.inputs)
    weight, bias = network.weight - rate * (last.T @ signal), network.bias - rate * signal.sum(axis=0)
    signal = signal @ network.weight.T
    hidden, calls = [], []
    for layer, one in zip(reversed(network.hidden), reversed(passed), strict=True):
        moved, signal, call = _backward(bn, layer, one, signal, task)
        hidden.append(moved)
        calls.append(call)
    return Network(tuple(reversed(hidden)), weight, bias), tuple(reversed(calls))


def _forward(bn: Normalize, layer: Hidden, entered: Array, task: Task) -> _Passed:
    linear = entered @ layer.weight + layer.bias
    case = _asked(task, layer, np.maximum(linear, 0.0) if task.after else linear)
    y = to_rows(_offered(bn(case), "y"), case.axis).astype(np.float64)
    return _Passed(entered, linear, case, y, y if task.after else np.maximum(y, 0.0))


def _backward(bn: Normalize, layer: Hidden, passed: _Passed, signal: Array, task: Task) -> tuple[Hidden, Array, Call]:
    """Returns the layer after the step, the signal to the layer before it, and the call of the implementation."""
    active = passed.linear > 0 if task.after else passed.y > 0
    dtype = dtype_named(task.case.dtype)
    dy = (signal if task.after else signal * active).astype(dtype)
    whole = replace(passed.case, dy=from_rows(dy, passed.case.x.shape, passed.case.axis))
    found = bn(whole)
    gradient = to_rows(_offered(found, "dx"), whole.axis).astype(np.float64)
    gradient = gradient * active if task.after else gradient
    rate = RATE / len(signal)
    moved = Hidden(
        weight=layer.weight - rate * (passed.entered.T @ gradient),
        bias=layer.bias - rate * gradient.sum(axis=0),
        gamma=_moved(layer.gamma, found.dgamma, rate),
        beta=_moved(layer.beta, found.dbeta, rate),
        running_mean=layer.running_mean if found.running_mean is None else found.running_mean,
        running_var=layer.running_var if found.running_var is None else found.running_var,
    )
    return moved, gradient @ layer.weight.T, Call(passed.case, whole)


def _asked(task: Task, layer: Hidden, rows: Array) -> Case:
    """Returns the forward pass of batch normalization on `rows`, in the layout of the task's case."""
    case = task.case
    shape = list(case.x.shape)
    shape[case.axis] = rows.shape[1]
    return replace(
        case,
        x=from_rows(rows.astype(dtype_named(case.dtype)), tuple(shape), case.axis),
        gamma=layer.gamma,
        beta=layer.beta,
        running_mean=layer.running_mean,
        running_var=layer.running_var,
    )


def _moved(parameter: np.ndarray, gradient: np.ndarray | None, rate: float) -> np.ndarray:
    if gradient is None:
        return parameter
    return (parameter.astype(np.float64) - rate * gradient.astype(np.float64)).astype(parameter.dtype)


def _offered(outcome: Outcome, name: str) -> np.ndarray:
    """Returns an output without which no network is trained; ends the property where there is none."""
    array: np.ndarray | None = getattr(outcome, name)
    if array is None:
        raise NotOfferedError(name)
    return array


def _softmax(logits: Array) -> Array:
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    return np.asarray(powers / powers.sum(axis=1, keepdims=True))


def _call(bn: Subject, case: Case) -> list[Agreement]:
    """Compares everything that one call of a layer returned."""
    return [comparisons.pointwise(bn, case), *comparisons.averages(bn, case), *gradients.gradients(bn, case)]


def calls(bn: Subject, case: Case, *, after: bool) -> Iterator[Agreement]:
    """Yields the comparisons of every call of a network's layers, up to the first call that is wrong."""
    if case.dy is not None:
        yield from _call(bn, case)
        return
    for number, made in train(bn, case, after=after):
        for place, call in enumerate(made, 1):
            forward = agree(
                bn(call.forward).y,
                reference.y(call.whole),
                within=bounds.y(call.whole, bn.dialect),
                involves=("y",),
                quantity="y, forward only,",
            )
            found = [forward, *_call(bn, call.whole)]
            where = f"of layer {place} in step {number}"
            yield from (
                replace(one, quantity=f"{one.quantity} {where}", direct=False, case=call.whole) for one in found
            )
            if any(one.verdict == "fails" for one in found):
                return
