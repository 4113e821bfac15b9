"""Examples per CPU second: bnconform beside a harness as one writes it by hand, in one process, on torch float32.

Rules: both compare y, dx, dγ, dβ and both running statistics; both run under Hypothesis; they take turns, so that a
noisy machine slows both; CPU seconds are counted, not the clock's. The figures are printed, never tested.
"""

from __future__ import annotations

import gc
import sys
import time
from collections.abc import Callable

import numpy as np
import torch
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from bnconform.engine.agreement import BAD
from bnconform.engine.book import all_specs
from bnconform.engine.runner import Runner
from bnconform.engine.search import search
from bnconform.engine.selection import Hosts, Request, select, targets
from bnconform.engine.spec import Spec
from bnconform.engine.tally import Effort
from bnconform.engine.target import Target

ROUNDS = 5
EXAMPLES = 300
EPS, MOMENTUM = 1e-5, 0.1
NUMBERS = st.floats(-10, 10, width=32)


@st.composite
def arrays_by_hand(draw: st.DrawFn) -> tuple[np.ndarray, ...]:
    """Draws x, dy, γ, β and the running statistics as arrays, element by element."""
    shape = draw(hnp.array_shapes(min_dims=2, max_dims=4, min_side=2, max_side=3))
    tensors = [draw(hnp.arrays(np.float32, shape, elements=NUMBERS)) for _ in range(2)]
    vectors = [draw(hnp.arrays(np.float32, shape[1:2], elements=NUMBERS)) for _ in range(3)]
    return *tensors, *vectors, draw(hnp.arrays(np.float32, shape[1:2], elements=st.floats(0.5, 4, width=32)))


def compare_by_hand(drawn: tuple[np.ndarray, ...]) -> None:
    """Runs torch forward and backward and compares all outputs with float64 NumPy, by a tolerance chosen by hand."""
    x, dy, gamma, beta, mean, var = (torch.from_numpy(array.copy()) for array in drawn)
    for tensor in (x, gamma, beta):
        tensor.requires_grad_()
    y = torch.nn.functional.batch_norm(x, mean, var, gamma, beta, True, MOMENTUM, EPS)
    y.backward(dy)
    actual = (y.detach(), x.grad, gamma.grad, beta.grad, mean, var)
    for got, expected in zip(actual, _expected(*(array.astype(np.float64) for array in drawn)), strict=True):
        np.testing.assert_allclose(got.numpy(), expected, rtol=1e-2, atol=1e-1)


def _expected(
    x: np.ndarray, dy: np.ndarray, gamma: np.ndarray, beta: np.ndarray, mean: np.ndarray, var: np.ndarray
) -> tuple[np.ndarray, ...]:
    axes = (0, *range(2, x.ndim))
    m = x.size // x.shape[1]
    wide = (1, -1) + (1,) * (x.ndim - 2)
    mu, v = x.mean(axes), x.var(axes)
    r = 1 / np.sqrt(v + EPS).reshape(wide)
    h = (x - mu.reshape(wide)) * r
    dbeta, dgamma = dy.sum(axes), (dy * h).sum(axes)
    dx = gamma.reshape(wide) * r * (dy - dbeta.reshape(wide) / m - h * dgamma.reshape(wide) / m)
    running = (1 - MOMENTUM) * mean + MOMENTUM * mu, (1 - MOMENTUM) * var + MOMENTUM * v * m / (m - 1)
    return h * gamma.reshape(wide) + beta.reshape(wide), dx, dgamma, dbeta, *running


def by_hand(start: int) -> int:
    """Runs the harness written by hand; returns how many examples it took."""
    count = 0

    @seed(start)
    @settings(max_examples=EXAMPLES, database=None, deadline=None, phases=(Phase.generate,),
              suppress_health_check=list(HealthCheck))  # fmt: skip
    @given(arrays_by_hand())
    def example(drawn: tuple[np.ndarray, ...]) -> None:
        nonlocal count
        count += 1
        compare_by_hand(drawn)

    example()
    return count


class Ours:
    """bnconform on the specs of the training family, in this process."""

    def __init__(self) -> None:
        request = Request(implementations=("torch.nn.functional.batch_norm",), dtypes=("float32",), in_process=True)
        self._hosts = Hosts(request=request)
        ((self._source, self._target),) = targets(select(request, self._hosts), request)
        given_to = next(one.given for one in all_specs() if one.given.mode == "train" and one.given.gradients)
        self._specs: list[Spec] = [one for one in all_specs() if one.given == given_to]
        self.channels = 0

    def __call__(self, start: int) -> int:
        """Runs the family once; returns how many examples it took and adds up their channels."""
        target: Target = self._target
        run = Runner(lambda: self, target.implementation.name)
        found = search(self._specs, target, run, Effort(examples=EXAMPLES, seed=start))
        bad = [tally.spec.id for tally in found.values() if tally.verdict in BAD]
        if bad:
            raise SystemExit(f"torch does not keep {bad}: a benchmark of failing specs says nothing")
        return max(tally.examples for tally in found.values())

    timeout = 60.0

    def run(self, name: str, case: object) -> object:
        """Runs a case and counts its channels, as a host would be asked to."""
        self.channels += case.channels  # type: ignore[attr-defined]  # a Case
        return self._hosts.of(self._source).run(name, case)  # type: ignore[arg-type]  # a Case


def rate(harness: Callable[[int], int], start: int) -> float:
    """Returns examples per CPU second."""
    began = time.process_time()
    examples = harness(start)
    return examples / (time.process_time() - began)


def main() -> None:
    """Prints the medians over rounds, and their ratio."""
    torch.set_num_threads(1)
    ours = Ours()
    gc.freeze()  # as a run does; it helps both alike
    rate(by_hand, 0)
    rate(ours, 0)
    hand, mine, channels = [], [], []
    for start in range(1, ROUNDS + 1):
        hand.append(rate(by_hand, start))
        ours.channels = 0
        began = time.process_time()
        mine.append(rate(ours, start))
        channels.append(ours.channels / (time.process_time() - began))
    print(f"by hand:   {np.median(hand):6.0f} examples per CPU second")
    print(f"bnconform: {np.median(mine):6.0f} examples per CPU second, {np.median(channels):.0f} channel cases")
    print(f"ratio:     {np.median(np.array(mine) / np.array(hand)):6.2f}")


if __name__ == "__main__":
    sys.exit(main())
