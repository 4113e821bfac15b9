"""Keras on PyTorch: `keras.layers.BatchNormalization`, run eagerly.

Rules: those of `_keras`. Where a case asks how x and dy lie in memory, or is watched, torch reads them there if it can;
gamma and beta are copied into the layer's variables.
"""

from __future__ import annotations

import os

os.environ["KERAS_BACKEND"] = "torch"
os.environ.setdefault("KERAS_TORCH_DEVICE", os.environ.get("BNCONFORM_DEVICE", "cpu"))

import functools

import torch

from bnconform.adapters import _keras
from bnconform.adapters._arrays import with_state
from bnconform.adapters._torch import is_shared, to_array, to_tensor
from bnconform.contract.case import Case
from bnconform.contract.memory import in_c_order
from bnconform.contract.outcome import Outcome

FITS = {"keras": ">=3"}


def run(case: Case, kind: _keras.Kind = _keras.PLAIN) -> Outcome:
    """Runs a new layer on the case, and its gradient by torch.autograd."""
    layer, params = _keras.set_layer(in_c_order(case), kind)
    x = to_tensor(case.x, is_shared(case))
    x.requires_grad_(case.dy is not None)
    mask = _keras.mask_of(case)
    if case.earlier is not None:
        for mode in case.earlier_modes:
            layer(to_tensor(case.earlier), training=mode == "train")
    y = layer(x, training=case.mode == "train", mask=None if mask is None else torch.tensor(mask))
    if case.between is not None:
        layer(to_tensor(case.between), training=case.between_trains)
    found = {"y": y}
    if case.dy is not None:
        wanted = {"dx": x, **_keras.weights(layer, params)}
        grads = torch.autograd.grad(y, list(wanted.values()), to_tensor(case.dy, is_shared(case)))
        found |= dict(zip(wanted, grads, strict=True))
    # The layer is kept and its variables are updated in place: an outcome needs their values, not their memory.
    found |= {name: value.clone() for name, value in _keras.statistics(layer, params).items()}
    outcome = Outcome(**{name: to_array(tensor, case.x.dtype) for name, tensor in found.items()})
    return with_state(case, outcome, *_keras.STATE)


MOMENTS = _keras.SOURCE + "backend/torch/nn.py#L980"
DIALECT = _keras.dialect(
    variance="one-pass", clamps_variance=False, links={"variance": MOMENTS, "clamps_variance": MOMENTS}
)

SNIPPET = _keras.snippet(
    "torch",
    before='\nos.environ.setdefault("KERAS_TORCH_DEVICE", "cpu")',
    tensor="""\
    return torch.from_numpy(VALUES[name].copy()).to(getattr(torch, dtype))
""",
    gradients="""\
    x.requires_grad_(VALUES["dy"] is not None)
    y = layer(x, training=MODE == "train")
    found = {}
    if VALUES["dy"] is not None:
        found |= zip(sources, torch.autograd.grad(y, list(sources.values()), tensor("dy", DTYPES["x"])))
""",
    values="""\
    return {name: value.detach().double().numpy() for name, value in found.items()}
""",
)

IMPLEMENTATIONS = [
    _keras.implementation("torch", run, DIALECT, further={"between", "earlier", "memory"}, snippet=SNIPPET),
    _keras.sixteen_bits("torch", functools.partial(run, kind=_keras.SIXTEEN_BITS), DIALECT),
]
