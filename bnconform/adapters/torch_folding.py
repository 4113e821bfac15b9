"""PyTorch's folders: each makes one layer of a linear or convolutional layer and the BatchNorm behind it.

Rules: those of `_torch`; a layer and a normalization are in x's own type, as after .half() or .bfloat16(), and in
inference. A folder that leaves both layers as they were has not folded: that is not offered, and no answer.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
import torch.ao.quantization
from torch import nn
from torch.nn.utils import fusion

from bnconform.adapters._torch import implementation, to_array, to_tensor
from bnconform.adapters._torch_modules import normalization_of, parameter
from bnconform.contract.axes import as_layer, from_layer
from bnconform.contract.case import Case
from bnconform.contract.dialect import Dialect
from bnconform.contract.errors import Unsupported
from bnconform.contract.outcome import Outcome

with warnings.catch_warnings():  # that TorchScript, on which this module of torch's rests, is deprecated
    warnings.simplefilter("ignore", DeprecationWarning)
    from torch.fx.experimental import optimization

CONVOLUTIONS = {
    ("convolution", 3): nn.Conv1d, ("convolution", 4): nn.Conv2d, ("convolution", 5): nn.Conv3d,
    ("transposed", 3): nn.ConvTranspose1d, ("transposed", 4): nn.ConvTranspose2d,
    ("transposed", 5): nn.ConvTranspose3d,
}  # fmt: skip
LAYERS_OF_A_GRAPH = ("aten::linear", "aten::_convolution", "aten::conv1d", "aten::conv2d", "aten::conv3d")
Folder = Callable[[nn.Module, nn.Module, Case], nn.Module]


def layer_of(case: Case) -> nn.Module:
    """Returns the case's layer, in inference."""
    weight = as_layer(case)
    groups = case.groups or 1
    inputs = weight.shape[0] if case.layer == "transposed" else weight.shape[1] * groups
    with torch.device("meta"):  # nothing is drawn for weights that are replaced at once
        if case.layer == "linear":
            layer: Any = nn.Linear(inputs, case.channels)
        else:
            kind: Any = CONVOLUTIONS[str(case.layer), case.x.ndim]
            layer = kind(inputs, case.channels, weight.shape[2:], groups=groups)
    layer.weight, layer.bias = parameter(weight), parameter(case.bias)
    return layer.eval()


def _outcome(weight: torch.Tensor, bias: torch.Tensor, case: Case) -> Outcome:
    due = as_layer(case).shape
    if tuple(weight.shape) != due:
        raise ValueError(f"the folded weight has shape {tuple(weight.shape)}; expected {due}, that of the layer")
    folded = from_layer(to_array(weight, case.x.dtype), case)
    return Outcome(folded_weight=np.ascontiguousarray(folded), folded_bias=to_array(bias, case.x.dtype))


def run_weights(case: Case) -> Outcome:
    """Runs torch.nn.utils.fusion.fuse_conv_bn_weights or fuse_linear_bn_weights."""
    tensors = [
        None if one is None else to_tensor(one)
        for one in (as_layer(case), case.bias, case.running_mean, case.running_var, case.gamma, case.beta)
    ]
    given = [*tensors[:4], case.eps, *tensors[4:]]
    if case.layer == "linear":
        weight, bias = fusion.fuse_linear_bn_weights(*given)
    else:
        weight, bias = fusion.fuse_conv_bn_weights(*given, transpose=case.layer == "transposed")
    return _outcome(weight, bias, case)


def by_modules(fold: Folder) -> Callable[[Case], Outcome]:
    """Returns the function that folds modules made of a case."""

    def run(case: Case) -> Outcome:
        folded: Any = fold(layer_of(case), normalization_of(case), case)
        return _outcome(folded.weight, folded.bias, case)

    return run


def fused_by_eval(layer: Any, normalization: Any, case: Case) -> nn.Module:
    """Returns what torch.nn.utils.fusion.fuse_conv_bn_eval or fuse_linear_bn_eval makes."""
    if case.layer == "linear":
        return fusion.fuse_linear_bn_eval(layer, normalization)
    return fusion.fuse_conv_bn_eval(layer, normalization, transpose=case.layer == "transposed")


def fused_by_fx(layer: Any, normalization: Any, case: Case) -> nn.Module:
    """Returns what torch.fx.experimental.optimization.fuse makes."""
    fused = optimization.fuse(nn.Sequential(layer, normalization).eval())
    return _only_one(fused.children())


def fused_by_quantization(layer: Any, normalization: Any, case: Case) -> nn.Module:
    """Returns what torch.ao.quantization.fuse_modules makes."""
    with warnings.catch_warnings():  # that torch.ao.quantization moves to torchao
        warnings.simplefilter("ignore")
        fused = torch.ao.quantization.fuse_modules(nn.Sequential(layer, normalization).eval(), ["0", "1"])
    return _only_one(fused.children())


def _only_one(layers: Any) -> nn.Module:
    left = [layer for layer in layers if not isinstance(layer, nn.Identity)]
    if len(left) != 1:
        raise Unsupported("it does not fold this kind of layer")
    return left[0]


def run_frozen(case: Case) -> Outcome:
    """Runs torch.jit.freeze on the traced layers, and reads the weight and the bias off its graph."""
    layer: Any = layer_of(case)
    inputs = layer.in_features if case.layer == "linear" else layer.in_channels
    x = torch.zeros(1, inputs, *[4] * (case.x.ndim - 2), dtype=layer.weight.dtype)
    graph = torch.jit.freeze(torch.jit.trace(nn.Sequential(layer, normalization_of(case)).eval(), x)).graph
    if graph.findNode("aten::batch_norm") is not None:
        raise Unsupported("it does not fold this kind of layer")
    call = next(node for node in graph.nodes() if node.kind() in LAYERS_OF_A_GRAPH)
    weight, bias = [one.toIValue() for one in list(call.inputs())[1:3]]
    return _outcome(weight, bias, case)


def _implementation(name: str, run: Callable[[Case], Outcome], **more: Any) -> Any:
    return implementation(name, run, dialect=Dialect(), features={"fold"}, only={"fold"}, **more)


IMPLEMENTATIONS = [
    _implementation("torch.nn.utils.fusion", run_weights),
    _implementation("torch.nn.utils.fusion:eval", by_modules(fused_by_eval), opt_in=True),
    _implementation("torch.fx.experimental.optimization.fuse", by_modules(fused_by_fx), opt_in=True),
    _implementation("torch.ao.quantization.fuse_modules", by_modules(fused_by_quantization), opt_in=True),
    _implementation("torch.jit.freeze", run_frozen, opt_in=True),
]
