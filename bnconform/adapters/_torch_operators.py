"""The operators below `torch.nn.functional.batch_norm`, each a pair of a forward and a backward operator, and oneDNN's.

Rules: those of `_torch`. The backward operator gets what the forward one saved, as torch's derivative formula hands it
on, and nothing else: no formula stands here. Between the two, nothing is differentiated.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

import torch
from torch._decomp import decomposition_table
from torch.nn import functional

from bnconform.adapters._arrays import DEFAULTS, given
from bnconform.adapters._torch import (
    DEVICES,
    DIALECT,
    FUNCTION_SETTINGS,
    implementation,
    inputs,
    outcome,
    to_array,
    to_tensor,
)
from bnconform.contract.case import Case
from bnconform.contract.errors import Unsupported
from bnconform.contract.outcome import Outcome

Operator = Callable[..., Any]
AFFINE = ("dgamma", "dbeta")
FORWARD, BACKWARD = torch.ops.aten.native_batch_norm.default, torch.ops.aten.native_batch_norm_backward.default


def run_pair(case: Case, forward: Operator = FORWARD, backward: Operator = BACKWARD) -> Outcome:
    """Runs a forward operator and, if the case has a cotangent, the backward one on the arrays that the first saved."""
    with torch.no_grad():
        found = _pair(case, forward, backward)
    return Outcome(**{name: to_array(one, case.x.dtype) for name, one in found.items() if one is not None})


def _pair(case: Case, forward: Operator, backward: Operator) -> dict[str, torch.Tensor | None]:
    x, (gamma, beta), (mean, var) = inputs(case)
    moved, training = x.movedim(case.axis, 1), case.mode == "train"
    y, *saved = forward(moved, gamma, beta, mean, var, training, case.momentum, case.eps)
    found = {"y": y.movedim(1, case.axis), "running_mean": mean, "running_var": var}
    if case.dy is None:
        return found
    dy, there = to_tensor(case.dy).movedim(case.axis, 1), {"x": x, "gamma": gamma, "beta": beta}
    wanted = [one is not None and case.wants(name) for name, one in there.items()]
    dx, *grads = backward(dy, moved, gamma, mean, var, *saved, training, case.eps, wanted)
    affine = {name: grad if asked else None for name, grad, asked in zip(AFFINE, grads, wanted[1:], strict=True)}
    return {**found, "dx": dx.movedim(1, case.axis) if wanted[0] else None, **affine}


def synchronized(
    x: torch.Tensor, gamma: Any, beta: Any, mean: Any, var: Any, training: bool, momentum: float, eps: float
) -> tuple[torch.Tensor, ...]:
    """Returns y, the mean and 1/√(v + ε) by the operators of torch.nn.SyncBatchNorm, for one process."""
    if not training:
        raise Unsupported("torch.nn.SyncBatchNorm infers by torch.nn.functional.batch_norm")
    own_mean, own_root = torch.batch_norm_stats(x.contiguous(), eps)
    counts = torch.full((1,), x.numel() // x.size(1), dtype=own_mean.dtype, device=x.device)
    gather = torch.batch_norm_gather_stats_with_counts
    all_mean, root = gather(x, own_mean[None], own_root[None], mean, var, momentum, eps, counts)
    return torch.batch_norm_elemt(x.contiguous(), gamma, beta, all_mean, root, eps), all_mean, root


def pull_synchronized(
    dy: torch.Tensor, x: torch.Tensor, gamma: Any, mean: Any, var: Any, all_mean: Any, root: Any, *settings: Any
) -> tuple[torch.Tensor, ...]:
    """Returns dx, dgamma and dbeta by the operators of torch.nn.SyncBatchNorm, for one process."""
    dy, x = dy.contiguous(), x.contiguous()
    sums = torch.batch_norm_backward_reduce(dy, x, all_mean, root, gamma, *settings[-1])
    counts = torch.full((1,), x.numel() // x.size(1), dtype=torch.int32, device=x.device)
    dx = torch.batch_norm_backward_elemt(dy, x, all_mean, root, gamma, *sums[:2], counts)
    return dx, *sums[2:]


def run_onednn(case: Case) -> Outcome:
    """Runs torch.nn.functional.batch_norm on a tensor in oneDNN's layout, which has kernels of its own."""

    def normalize(x: torch.Tensor, gamma: Any, beta: Any, mean: Any, var: Any) -> torch.Tensor:
        moved = x.movedim(case.axis, 1).to_mkldnn()
        settings = given(case, {"eps": case.eps}, {"momentum": case.momentum})
        y = functional.batch_norm(moved, mean, var, gamma, beta, case.mode == "train", **settings)
        if y.dtype is not x.dtype:  # so it is for no examples in bfloat16, and the contract has no place for it
            raise TypeError(f"torch.nn.functional.batch_norm returned {y.dtype} for {x.dtype} in oneDNN's layout")
        return y.to_dense().movedim(1, case.axis)

    try:
        return outcome(case, normalize)
    except RuntimeError as error:
        if "currently mkldnn" in str(error):  # what it does not offer, in torch's own words
            raise Unsupported(str(error).partition("\n")[0]) from error
        raise


FEATURES = frozenset({"malformed", "wanted"})
OPERATOR = replace(DIALECT, single_value="zero")
ONEDNN_DTYPES = {"float32", "bfloat16"} if torch.ops.mkldnn._is_mkldnn_bf16_supported() else {"float32"}
IMPLEMENTATIONS = [
    implementation(  # its kernels are those of torch.nn.functional.batch_norm: only what that one guards differs
        "torch.native_batch_norm", run_pair, dialect=OPERATOR, dtypes={"float32"}, features=FEATURES, opt_in=True
    ),
    implementation(
        "torch.native_batch_norm:decomposed",
        partial(run_pair, forward=decomposition_table[FORWARD], backward=decomposition_table[BACKWARD]),
        dialect=OPERATOR,
        dtypes={"bfloat16", "float32"},
        features=FEATURES,
        opt_in=True,
    ),
    implementation(
        "torch.nn.SyncBatchNorm:one_process",
        partial(run_pair, forward=synchronized, backward=pull_synchronized),
        dialect=OPERATOR,
        devices=DEVICES - {"cpu"},
        features=(),
        opt_in=True,
    ),
    implementation(
        "torch.nn.functional.batch_norm:onednn",
        run_onednn,
        dtypes=ONEDNN_DTYPES,
        ranks={4, 5},
        devices={"cpu"},
        features=DEFAULTS | {"malformed"},
        opt_in=True,
        settings=FUNCTION_SETTINGS,
    ),
]
