"""What it costs to catch a wrong dx: bnconform beside torch.autograd.gradcheck, slow and fast, in float64.

Rules: the same wrong formula is judged by all three, ten times each on other data; a call is one forward and backward
pass, or one forward pass of gradcheck's differences; the figures are printed, never tested.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import torch

from bnconform import Case
from bnconform.analysis.faults import FAULTS, Fault, perform
from bnconform.analysis.selftest.trial import any_broken, asking, search_until, targets
from bnconform.engine.agreement import BAD
from bnconform.engine.book import all_specs
from bnconform.engine.tally import Effort

WRONG = (
    "dx_a_hundredth_too_large",
    "dx_half_as_large_again",
    "inference_gradient_in_training",
    "dx_without_its_variance_term",
    "variance_term_of_dx_over_m_less_one",
    "mean_term_of_dx_over_m_less_one",
)
SPEC = "sends_gradients_through_the_statistics"
TRIES = 10
SHAPE = (8, 4)


class Counted:
    """One wrong implementation as a function that torch differentiates; `calls` counts forward passes."""

    def __init__(self, wrong: Fault) -> None:
        self.calls = 0
        self.wrong = wrong

    def __call__(self, x: torch.Tensor, gamma: torch.Tensor, beta: torch.Tensor) -> torch.Tensor:
        """Returns y."""
        self.calls += 1
        return _Function.apply(self.wrong, x, gamma, beta)


class _Function(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, wrong: Fault, x: torch.Tensor, gamma: torch.Tensor, beta: torch.Tensor) -> torch.Tensor:
        ctx.wrong, ctx.arrays = wrong, [tensor.detach().numpy() for tensor in (x, gamma, beta)]
        return torch.from_numpy(perform(wrong, _case(*ctx.arrays)).y)

    @staticmethod
    def backward(ctx: Any, *dy: torch.Tensor) -> tuple[torch.Tensor | None, ...]:
        found = perform(ctx.wrong, _case(*ctx.arrays, dy[0].numpy()))
        return (None, *(torch.from_numpy(array) for array in (found.dx, found.dgamma, found.dbeta)))


def _case(x: np.ndarray, gamma: np.ndarray, beta: np.ndarray, dy: np.ndarray | None = None) -> Case:
    return Case(mode="train", x=x, gamma=gamma, beta=beta, running_mean=None, running_var=None, eps=1e-5, momentum=0.1,
                dy=dy)  # fmt: skip


def by_gradcheck(wrong: Fault, seed: int, fast: bool) -> tuple[bool, int]:
    """Returns whether gradcheck, with its defaults, rejects the formula, and how many forward passes it took."""
    torch.manual_seed(seed)
    inputs = [torch.randn(shape, dtype=torch.float64, requires_grad=True) for shape in (SHAPE, SHAPE[1:], SHAPE[1:])]
    function = Counted(wrong)
    return not torch.autograd.gradcheck(function, inputs, fast_mode=fast, raise_exception=False), function.calls


def by_specs(wrong: Fault, seed: int) -> tuple[bool, int]:
    """Returns whether the spec of dx rejects the formula, and how many forward and backward passes it took."""
    target = targets([f"faults.{wrong.name}"], ["float64"])[0]
    ask, family = asking(target), [one for one in all_specs() if one.id == SPEC]
    (tally,) = search_until(any_broken, family, target, ask, Effort(seed=seed))
    return tally.verdict in BAD, ask.calls


def main() -> int:
    """Prints, for each wrong dx, how often each method caught it, its calls and its CPU seconds."""
    methods: dict[str, Callable[[Fault, int], tuple[bool, int]]] = {
        "bnconform": by_specs,
        "gradcheck slow": lambda wrong, seed: by_gradcheck(wrong, seed, fast=False),
        "gradcheck fast": lambda wrong, seed: by_gradcheck(wrong, seed, fast=True),
    }
    known = {one.name: one for one in FAULTS}
    for name in WRONG:
        print(name.replace("_", " "))
        for method, judge in methods.items():
            started = time.process_time()
            found = [judge(known[name], seed) for seed in range(TRIES)]
            seconds = (time.process_time() - started) / TRIES
            caught, calls = sum(one[0] for one in found), max(one[1] for one in found)
            print(
                f"    {method:<15} caught {caught:>2} of {TRIES}, at most {calls:>3} calls, {1e3 * seconds:.0f} ms CPU"
            )
    return 0


if __name__ == "__main__":
    sys.exit(main())
