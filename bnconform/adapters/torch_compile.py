"""PyTorch's compiler: `torch.compile` of `torch.nn.functional.batch_norm`, judged where --adapter names this module.

Rules: those of `_torch`. A case that cannot be compiled is an error, never silently run eagerly. torch guards ε,
momentum, shape, strides, type and absent arguments by value, so that each combination is compiled anew, and forgotten
together with all others when KEPT are there. It needs a C++ compiler; forward and backward took 3 s a combination on
one core, and the very first, with its precompiled headers, 40 s: a whole run takes hours, so ask for some specs, and
pass --timeout 300.
"""

from __future__ import annotations

from typing import Any

import torch
import torch._inductor.config
from torch.nn import functional

from bnconform.adapters._arrays import DEFAULTS, given
from bnconform.adapters._torch import FUNCTION_SETTINGS, implementation, outcome
from bnconform.contract.case import Case
from bnconform.contract.outcome import Outcome

KEPT = 200
torch._dynamo.config.recompile_limit = torch._dynamo.config.accumulated_recompile_limit = 2 * KEPT
torch._inductor.config.compile_threads = 1  # a host is one process; its own children outlive a host that is ended


def batch_norm(x: Any, gamma: Any, beta: Any, mean: Any, var: Any, training: bool, **settings: float) -> torch.Tensor:
    """Calls torch.nn.functional.batch_norm with the channels on axis 1."""
    return functional.batch_norm(x, mean, var, gamma, beta, training, **settings)


compiled = torch.compile(batch_norm, fullgraph=True, dynamic=False)
_known: set[Any] = set()


def run(case: Case) -> Outcome:
    """Runs the compiled function, or the function itself where the case asks for that."""
    call: Any = batch_norm if case.eager else compiled
    settings = given(case, {"eps": case.eps}, {"momentum": case.momentum})

    def normalize(x: torch.Tensor, *params: Any) -> torch.Tensor:
        y = call(x.movedim(case.axis, 1), *params, case.mode == "train", **settings)
        return y.movedim(1, case.axis)

    if not case.eager:
        _make_room(case, settings)
    return outcome(case, normalize)


def _make_room(case: Case, settings: dict[str, float]) -> None:
    """Forgets everything that was compiled where one more than KEPT were."""
    absent = tuple(one is None for one in (case.gamma, case.beta, case.running_mean, case.dy))
    _known.add((case.mode, case.dtype, case.x.shape, case.axis, *settings.items(), absent))
    if len(_known) > KEPT:
        torch._dynamo.reset()
        _known.clear()


IMPLEMENTATIONS = [
    implementation(
        "torch.compile:batch_norm",
        run,
        compiled=True,
        opt_in=True,
        features=DEFAULTS | {"eager"},
        settings=FUNCTION_SETTINGS,
    ),
]
