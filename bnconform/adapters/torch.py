"""PyTorch: `torch.nn.functional.batch_norm`, the modules `torch.nn.BatchNorm1d`, `2d` and `3d`, and variants of them.

Rules: those of `_torch`. The module stands for an absent gamma or beta as documented: ones, zeros. A variant is opt-in,
and is here only where it reaches other code of torch than the others do.
"""

from __future__ import annotations

import warnings
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from functools import partial
from typing import Any

import torch
from torch.nn import functional

from bnconform.adapters import _torch_operators, _torch_transforms
from bnconform.adapters._arrays import DEFAULT_EPS, DEFAULTS, given
from bnconform.adapters._torch import (
    DEVICE,
    DEVICES,
    DIALECT,
    FEATURES,
    FUNCTION_SETTINGS,
    SOURCE,
    implementation,
    outcome,
    to_array,
    to_tensor,
)
from bnconform.contract.case import Case
from bnconform.contract.errors import Unsupported
from bnconform.contract.outcome import Outcome
from bnconform.contract.settings import Argument, Settings
from bnconform.contract.snippet import Snippet

MODULES = {2: torch.nn.BatchNorm1d, 3: torch.nn.BatchNorm1d, 4: torch.nn.BatchNorm2d, 5: torch.nn.BatchNorm3d}
LAZY = {
    2: torch.nn.LazyBatchNorm1d,
    3: torch.nn.LazyBatchNorm1d,
    4: torch.nn.LazyBatchNorm2d,
    5: torch.nn.LazyBatchNorm3d,
}


def run_functional(
    case: Case, context: AbstractContextManager[None] | None = None, sixteen_bits: bool = False
) -> Outcome:
    """Runs torch.nn.functional.batch_norm, in a context of torch where there is one.

    sixteen_bits: parameters and buffers are in x's type, as those of a module after .bfloat16() are. The mean and the
    reciprocal root are then stored in it, which the code declares; that it goes on in 16 bits where x is not
    contiguous is a finding (results/deviations/torch/noncontiguous_sixteen_bits.py).
    """

    def normalize(
        x: torch.Tensor, gamma: Any, beta: Any, mean: Any, var: Any, training: bool = case.mode == "train"
    ) -> torch.Tensor:
        moved = x.movedim(case.axis, 1)
        settings = given(case, {"eps": case.eps}, {"momentum": case.momentum})
        return functional.batch_norm(moved, mean, var, gamma, beta, training, **settings).movedim(1, case.axis)

    def in_mode(training: bool, *given: Any) -> torch.Tensor:
        return partial(normalize, training=training)(*given)

    with context or nullcontext():
        return outcome(case, normalize, sixteen_bits, in_mode)


def run_without_cudnn(case: Case) -> Outcome:
    """Runs torch.nn.functional.batch_norm by torch's own CUDA kernels."""
    return run_functional(case, torch.backends.cudnn.flags(enabled=False, allow_tf32=False))


def run_module(case: Case, cumulative: bool = False, lazy: bool = False) -> Outcome:
    """Runs a new torch.nn.BatchNorm1d, 2d or 3d, its state set from the case.

    cumulative: its momentum is None. lazy: a LazyBatchNorm, which knows its channels from a first input, in inference,
    as that leaves its averages as they are.
    """
    if cumulative and case.mode == "train" and case.running_mean is not None:
        raise Unsupported("the weight is 1/k by its own count of k steps, which running statistics alone do not tell")
    settings: dict[str, Any] = {
        **given(case, {"eps": case.eps}, {"momentum": None if cumulative else case.momentum}),
        "affine": case.gamma is not None or case.beta is not None,
        "track_running_stats": case.running_mean is not None or case.state is not None,
        "dtype": torch.float64 if case.dtype == "float64" else torch.float32,
        "device": DEVICE,
    }
    module = _lazy(case, settings) if lazy else MODULES[case.x.ndim](case.channels, **settings)
    module.train(case.mode == "train")
    buffers = _buffers(module, case)

    def normalize(x: torch.Tensor, gamma: Any, beta: Any, mean: Any, var: Any) -> torch.Tensor:
        state = {"weight": gamma, "bias": beta, "running_mean": mean, "running_var": var}
        given = buffers | {name: tensor for name, tensor in state.items() if tensor is not None}
        return torch.func.functional_call(module, given, x.movedim(case.axis, 1)).movedim(1, case.axis)

    def in_mode(training: bool, *given: Any) -> torch.Tensor:
        module.train(training)
        y = normalize(*given)
        module.train(case.mode == "train")
        return y

    found = outcome(case, normalize, in_mode=in_mode)
    return found if case.state is None else _with_buffers(found, buffers, case)


def _lazy(case: Case, settings: dict[str, Any]) -> torch.nn.Module:
    with warnings.catch_warnings():  # that lazy modules are under heavy development, each time that one is made
        warnings.simplefilter("ignore")
        module = LAZY[case.x.ndim](**settings).eval()
    module(to_tensor(case.x).movedim(case.axis, 1))
    return module


def _buffers(module: torch.nn.Module, case: Case) -> dict[str, torch.Tensor]:
    """Returns the tensors of the case's state, those of the module itself where it is to be new; none without one."""
    if case.state is None:
        return {}
    if "tangents" in case.needs:
        raise Unsupported("tangents come from a second call, which would be a second step of a layer with a state")
    return {name: to_tensor(array) for name, array in case.state.items()} or dict(module.named_buffers())


def _with_buffers(found: Outcome, buffers: dict[str, torch.Tensor], case: Case) -> Outcome:
    """Returns `found` with the buffers, which the module has updated in place."""
    state = {name: to_array(tensor, case.x.dtype) for name, tensor in buffers.items()}
    return replace(found, running_mean=state["running_mean"], running_var=state["running_var"], state=state)


MODULE = "https://docs.pytorch.org/docs/2.13/generated/torch.nn.BatchNorm2d.html"
MODULE_SETTINGS = Settings(
    call="torch.nn.BatchNorm{n}d",
    eps=Argument("eps", "1e-05", MODULE),
    momentum=Argument("momentum", "0.1", MODULE),
    weighs="new",
    cumulative="None",
    affine=Argument("affine", "True", MODULE),
    state=Argument("track_running_stats", "True", MODULE),
)
CUMULATIVE_SETTINGS = replace(MODULE_SETTINGS, momentum=Argument("momentum", "None", MODULE))
LAZY_SETTINGS = replace(MODULE_SETTINGS, call="torch.nn.LazyBatchNorm{n}d")

SNIPPET_HEAD = """\
def tensor(name, dtype):
    return None if VALUES[name] is None else torch.from_numpy(VALUES[name].copy()).to(getattr(torch, dtype))


def run():
    wide = "float64" if DTYPES["x"] == "float64" else "float32"  # parameters, as under autocast
    x = tensor("x", DTYPES["x"])
    gamma, beta, mean, var = (tensor(name, wide) for name in ("gamma", "beta", "running_mean", "running_var"))
    sources = {"dx": x, "dgamma": gamma, "dbeta": beta}
    sources = {name: source for name, source in sources.items() if source is not None}
    for source in sources.values():
        source.requires_grad_(VALUES["dy"] is not None)
    moved = x.movedim(AXIS, 1)
"""
MODULE_CALL = """\
    layers = {2: torch.nn.BatchNorm1d, 3: torch.nn.BatchNorm1d, 4: torch.nn.BatchNorm2d, 5: torch.nn.BatchNorm3d}
    layer = layers[x.ndim](
        moved.shape[1],
        eps=EPS,
        momentum=MOMENTUM,
        affine=gamma is not None or beta is not None,
        track_running_stats=mean is not None,
        dtype=getattr(torch, wide),
    )
    layer.train(MODE == "train")
    if gamma is not None:
        layer.weight = gamma = sources["dgamma"] = torch.nn.Parameter(gamma.detach())
    if beta is not None:
        layer.bias = beta = sources["dbeta"] = torch.nn.Parameter(beta.detach())
    if mean is not None:
        layer.running_mean, layer.running_var = mean, var
    y = layer(moved).movedim(1, AXIS)
"""
FUNCTION_CALL = """\
    y = torch.nn.functional.batch_norm(moved, mean, var, gamma, beta, MODE == "train", MOMENTUM, EPS).movedim(1, AXIS)
"""
SNIPPET_TAIL = """\
    found = {"y": y, "running_mean": mean, "running_var": var}
    if VALUES["dy"] is not None:
        found |= zip(sources, torch.autograd.grad(y, list(sources.values()), tensor("dy", DTYPES["x"])))
    return {name: value.detach().double().numpy() for name, value in found.items() if value is not None}
"""


def _snippet(call: str) -> Snippet:
    imports = "import sys\n\nimport numpy as np\nimport torch"
    return Snippet(needs="torch", imports=imports, code=SNIPPET_HEAD + call + SNIPPET_TAIL)


CUMULATIVE = replace(DIALECT, average="cumulative", links={**DIALECT.links, "average": DIALECT.links["running_var"]})
STORED = {**DIALECT.links, "stored_dtype": SOURCE + "aten/src/ATen/native/Normalization.cpp"}
SIXTEEN_BITS = replace(DIALECT, params_dtype=None, stored_dtype="bfloat16", links=STORED)
CALLED_AGAIN = FEATURES | DEFAULTS | {"between", "checkpointed", "earlier", "wanted"}
STATEFUL = FEATURES | {"state"}
IMPLEMENTATIONS = [
    implementation(
        "torch.nn.functional.batch_norm",
        run_functional,
        features=CALLED_AGAIN,
        settings=FUNCTION_SETTINGS,
        snippet=_snippet(FUNCTION_CALL),
    ),
    implementation(
        "torch.nn.BatchNorm",
        run_module,
        features=CALLED_AGAIN | STATEFUL | {"accumulates", "untracked"},
        settings=MODULE_SETTINGS,
        snippet=_snippet(MODULE_CALL),
    ),
    implementation(
        "torch.nn.BatchNorm:cumulative",
        partial(run_module, cumulative=True),
        dialect=CUMULATIVE,
        features=STATEFUL | DEFAULT_EPS,
        settings=CUMULATIVE_SETTINGS,
    ),
    implementation(
        "torch.nn.LazyBatchNorm",
        partial(run_module, lazy=True),
        features={"state"} | DEFAULTS,
        dtypes={"float32"},
        opt_in=True,
        settings=LAZY_SETTINGS,
    ),
    implementation(
        "torch.nn.functional.batch_norm:cudnn_off",
        run_without_cudnn,
        devices=DEVICES - {"cpu"},
        features=FEATURES | DEFAULTS,
        opt_in=True,
        settings=FUNCTION_SETTINGS,
    ),
    implementation(
        "torch.nn.functional.batch_norm:sixteen_bits",
        partial(run_functional, sixteen_bits=True),
        dialect=SIXTEEN_BITS,
        dtypes={"bfloat16"},
        features=DEFAULTS,
        settings=FUNCTION_SETTINGS,
        opt_in=True,
    ),
    *_torch_operators.IMPLEMENTATIONS,
    *_torch_transforms.IMPLEMENTATIONS,
]
