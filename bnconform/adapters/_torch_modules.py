"""The part that adapters of torch's modules share: a case's normalization as a new module, its state set from the case.

Rules: those of `_torch`; parameters and buffers are in x's own type. A module has a scale and a shift or neither: ones
and zeros stand for one that is absent, as documented.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import nn

from bnconform.adapters._torch import to_tensor
from bnconform.contract.case import Case

MODULES = {2: nn.BatchNorm1d, 3: nn.BatchNorm1d, 4: nn.BatchNorm2d, 5: nn.BatchNorm3d}


def parameter(array: np.ndarray | None) -> torch.Tensor | None:
    """Returns a parameter that records no gradient; None for an absent array."""
    return None if array is None else nn.Parameter(to_tensor(array), requires_grad=False)


def normalization_of(case: Case) -> Any:
    """Returns the case's normalization as a module in the case's mode."""
    affine, tracked = case.gamma is not None or case.beta is not None, case.running_mean is not None
    settings = {"eps": case.eps, "momentum": case.momentum, "affine": affine, "track_running_stats": tracked}
    module: Any = MODULES[case.x.ndim](case.channels, **settings)
    if affine:
        ones, zeros = np.ones(case.channels, case.x.dtype), np.zeros(case.channels, case.x.dtype)
        module.weight = parameter(ones if case.gamma is None else case.gamma)
        module.bias = parameter(zeros if case.beta is None else case.beta)
    if case.running_mean is not None and case.running_var is not None:
        module.running_mean, module.running_var = to_tensor(case.running_mean), to_tensor(case.running_var)
    return module.train(case.mode == "train")
