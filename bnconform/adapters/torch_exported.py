"""PyTorch's ways out of Python: torch.export, torch.jit.trace and torch.jit.script of F.batch_norm, saved and loaded.

Rules: those of `_torch`. What is exported is a module whose inputs are x, γ, β and the averages, so that one program
serves every case of its shape, type, settings and absent arrays; it goes through the bytes of a file before it runs.
A program is made anew once KEPT others were.
"""

from __future__ import annotations

import io
import warnings
from collections.abc import Callable
from functools import partial
from typing import Any

import torch
import torch.export
from torch.nn import functional

from bnconform.adapters._torch import FUNCTION_SETTINGS, implementation, outcome
from bnconform.contract.case import Case
from bnconform.contract.outcome import Outcome

KEPT = 200
Tensors = tuple[Any, ...]
Make = Callable[["Normalization", Tensors], Callable[..., torch.Tensor]]
_programs: dict[Any, Callable[..., torch.Tensor]] = {}


class Normalization(torch.nn.Module):  # type: ignore[misc]  # torch is untyped here
    """F.batch_norm with the settings of a case."""

    def __init__(self, case: Case) -> None:
        super().__init__()
        self.training_step, self.momentum, self.eps = case.mode == "train", float(case.momentum), float(case.eps)

    def forward(
        self,
        x: torch.Tensor,
        gamma: torch.Tensor | None,
        beta: torch.Tensor | None,
        mean: torch.Tensor | None,
        var: torch.Tensor | None,
    ) -> torch.Tensor:
        """Returns y; a training step moves mean and var."""
        return functional.batch_norm(x, mean, var, gamma, beta, self.training_step, self.momentum, self.eps)


def exported(module: Normalization, tensors: Tensors) -> Callable[..., torch.Tensor]:
    """Returns what torch.export makes of the module."""
    file = io.BytesIO()
    torch.export.save(torch.export.export(module, tensors), file)
    file.seek(0)
    loaded: Callable[..., torch.Tensor] = torch.export.load(file).module()
    return loaded


def scripted(module: Normalization, tensors: Tensors) -> Callable[..., torch.Tensor]:
    """Returns what torch.jit.script makes of the module."""
    return _loaded(torch.jit.script(module))


def traced(module: Normalization, tensors: Tensors) -> Callable[..., torch.Tensor]:
    """Returns what torch.jit.trace makes of the module; absent tensors, which it takes none of, are left out."""
    present = [one is not None for one in tensors]

    class Present(torch.nn.Module):  # type: ignore[misc]
        def forward(self, *there: torch.Tensor) -> torch.Tensor:
            left = iter(there)
            return module(*(next(left) if has else None for has in present))

    program = _loaded(torch.jit.trace(Present(), [one for one in tensors if one is not None], check_trace=False))
    return lambda *given: program(*[one for one in given if one is not None])


def _loaded(program: Any) -> Callable[..., torch.Tensor]:
    file = io.BytesIO()
    torch.jit.save(program, file)
    file.seek(0)
    loaded: Callable[..., torch.Tensor] = torch.jit.load(file)
    return loaded


def run(case: Case, make: Make) -> Outcome:
    """Runs the program that `make` makes for cases like this one."""

    def normalize(x: torch.Tensor, *params: torch.Tensor | None) -> torch.Tensor:
        tensors = (x.movedim(case.axis, 1), *params)
        absent = tuple(one is None for one in tensors)
        key = (make, case.mode, case.dtype, case.x.shape, case.axis, case.eps, case.momentum, absent)
        if key not in _programs:
            if len(_programs) >= KEPT:
                _programs.clear()
            with warnings.catch_warnings():  # that TorchScript is no longer developed
                warnings.simplefilter("ignore")
                # Tracing runs the module, which moves its averages: it is given copies.
                _programs[key] = make(
                    Normalization(case), tuple(None if t is None else t.detach().clone() for t in tensors)
                )
        return _programs[key](*tensors).movedim(1, case.axis)

    return outcome(case, normalize)


IMPLEMENTATIONS = [
    implementation(
        name,
        partial(run, make=make),
        compiled=True,
        opt_in=True,
        features=frozenset(),
        settings=FUNCTION_SETTINGS,
    )
    for name, make in (
        ("torch.export:batch_norm", exported),
        ("torch.jit.script:batch_norm", scripted),
        ("torch.jit.trace:batch_norm", traced),
    )
]
