"""The part that the torch adapters share: a Case's arrays as tensors, and one function that runs and differentiates a
call.

Rules: torch wants the channels on axis 1, so another axis is moved there as a view, without a copy: channels on the
last axis of rank 4 or 5 reach torch in its channels-last memory format. 16-bit inputs come with float32 parameters and
buffers, as under autocast. Tangents come from forward-mode differentiation of a second call with running statistics of
its own to update. Where a case asks how x, dy, gamma and beta lie in memory, or is watched, torch reads them there;
negative strides and a foreign byte order it refuses with an error of torch.from_numpy, so that these are copied.
Running statistics are always copied, to contiguous memory, since torch updates them in place, and reads strided ones
in the backward pass of inference where it has freed them (results/deviations/torch/strided_weight.py).
"""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable, Iterable
from functools import partial
from typing import Any

import numpy as np
import torch
from torch.autograd import forward_ad
from torch.utils.checkpoint import checkpoint

from bnconform.adapters._arrays import at_least_float32, parameters
from bnconform.contract.case import Case
from bnconform.contract.dialect import Dialect
from bnconform.contract.dtypes import DTYPES, dtype_name
from bnconform.contract.implementation import Implementation
from bnconform.contract.outcome import Outcome
from bnconform.contract.settings import Argument, Settings
from bnconform.contract.versions import installed

DEVICE = torch.device(os.environ.get("BNCONFORM_DEVICE", "cpu"))
SOURCE = "https://github.com/pytorch/pytorch/blob/v2.13.0/"
if DEVICE.type == "cuda":  # TF32 has ten bits and is no part of what float32 promises
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = False
Tensors = list[torch.Tensor | None]
Normalize = Callable[..., torch.Tensor]  # (x, gamma, beta, running_mean, running_var) -> y
InMode = Callable[..., torch.Tensor]  # (whether in training, and what a Normalize takes) -> y


def to_tensor(array: np.ndarray, shared: bool = False) -> torch.Tensor:
    """Returns a tensor with its own copy of `array`: a case is read-only and torch updates buffers in place.

    shared: of the very memory of `array`, where torch takes that.
    """
    if not array.dtype.isnative:
        array = array.astype(array.dtype.newbyteorder("="))
    if not shared or min(array.strides, default=0) < 0:
        array = array.copy()
    if dtype_name(array.dtype) == "bfloat16":  # torch does not know NumPy's extension type: the same bits as integers
        return _of_memory(array.view(np.int16)).view(torch.bfloat16).to(DEVICE)
    return _of_memory(array).to(DEVICE)


def _of_memory(array: np.ndarray) -> torch.Tensor:
    if array.flags.writeable:
        return torch.from_numpy(array)
    with warnings.catch_warnings():  # torch warns that it cannot keep itself from writing, which is what is watched
        warnings.simplefilter("ignore")
        return torch.from_numpy(array)


def is_shared(case: Case) -> bool:
    """Returns whether torch is to read the arrays of `case` where they lie."""
    return case.watched or case.memory != "plain"


def to_array(tensor: torch.Tensor, dtype: np.dtype) -> np.ndarray:
    """Returns the values of `tensor`, those of bfloat16 as NumPy's extension type `dtype`."""
    tensor = tensor.detach().cpu()
    if tensor.dtype is torch.bfloat16:
        return np.asarray(tensor.view(torch.int16).numpy().view(dtype))
    return np.asarray(tensor.numpy())


def _optional(arrays: Iterable[np.ndarray | None], shared: bool = False) -> Tensors:
    return [None if array is None else to_tensor(array, shared) for array in arrays]


def inputs(case: Case, sixteen_bits: bool = False) -> tuple[torch.Tensor, Tensors, Tensors]:
    """Returns x, [gamma, beta] and [running_mean, running_var]; the first three record gradients if the case asks.

    sixteen_bits: tensors of other shapes are of its type, too.
    """
    params = parameters(case, case.x.dtype if sixteen_bits else at_least_float32(case.x.dtype), untracked=True)
    shared = is_shared(case)
    x, affine, running = to_tensor(case.x, shared), _optional(params[:2], shared), _optional(params[2:])
    if case.dy is not None:
        for name, tensor in zip(("x", "gamma", "beta"), (x, *affine), strict=True):
            if tensor is not None:
                tensor.requires_grad_(case.wants(name))
    return x, affine, running


def outcome(case: Case, normalize: Normalize, sixteen_bits: bool = False, in_mode: InMode | None = None) -> Outcome:
    """Returns y and, as far as the case asks, running statistics, dy pulled back, second gradients and the tangent of
    y. in_mode: a call of the same layer in a mode of its own, where a case may have one.
    """
    x, affine, running = inputs(case, sixteen_bits)
    before = [None if tensor is None else tensor.clone() for tensor in running]
    if case.earlier is not None and in_mode is not None:
        for mode in case.earlier_modes:
            in_mode(mode == "train", to_tensor(case.earlier), *affine, *running)
    call = partial(checkpoint, normalize, use_reentrant=False) if case.checkpointed else normalize
    y = call(x, *affine, *running)
    if case.between is not None and in_mode is not None:
        in_mode(case.between_trains, to_tensor(case.between), *affine, *running)
    tensors: dict[str, torch.Tensor | None] = {"y": y, "running_mean": running[0], "running_var": running[1]}
    if case.dy is not None:
        dy = to_tensor(case.dy, is_shared(case)).requires_grad_("second_order" in case.needs)
        pulled = partial(accumulated, case) if "accumulates" in case.needs else gradients
        tensors |= pulled(y, {"dx": x, "dgamma": affine[0], "dbeta": affine[1]}, dy)
        tensors |= second_gradients(case, tensors, {"grad_x": x, "grad_gamma": affine[0], "grad_dy": dy})
        if case.bar_grad_x is not None:
            tensors["third_x"] = torch.autograd.grad(tensors["grad_x"], x, to_tensor(case.bar_grad_x))[0]
    if "tangents" in case.needs:
        tensors["dot_y"] = _tangent(case, normalize, [x, *affine], before)
    return Outcome(**{name: to_array(found, case.x.dtype) for name, found in tensors.items() if found is not None})


def gradients(y: torch.Tensor, inputs: dict[str, torch.Tensor | None], dy: torch.Tensor) -> dict[str, torch.Tensor]:
    """Returns dy pulled back to the inputs that record gradients, by name; differentiable again where dy itself is."""
    wanted = {name: tensor for name, tensor in inputs.items() if tensor is not None and tensor.requires_grad}
    grads = torch.autograd.grad(y, list(wanted.values()), dy, create_graph=dy.requires_grad)
    return dict(zip(wanted, grads, strict=True))


def accumulated(
    case: Case, y: torch.Tensor, inputs: dict[str, torch.Tensor | None], dy: torch.Tensor
) -> dict[str, torch.Tensor]:
    """Returns what the gradients of the inputs hold behind a backward pass of dy, those of γ and β with what they held
    before it."""
    held = {"dgamma": case.held_gamma, "dbeta": case.held_beta}
    for name, array in held.items():
        tensor = inputs[name]
        if tensor is not None and array is not None:
            tensor.grad = to_tensor(array).to(tensor.dtype)
    y.backward(dy)
    return {name: one.grad for name, one in inputs.items() if one is not None and one.grad is not None}


def second_gradients(
    case: Case, grads: dict[str, torch.Tensor | None], inputs: dict[str, torch.Tensor | None]
) -> dict[str, torch.Tensor]:
    """Returns the case's cotangents of the gradients pulled back to the inputs that there are; nothing without them."""
    bars = {"dx": case.bar_dx, "dgamma": case.bar_dgamma, "dbeta": case.bar_dbeta}
    pairs = [(grad, bar) for name, bar in bars.items() if bar is not None and (grad := grads.get(name)) is not None]
    wanted = {name: tensor for name, tensor in inputs.items() if tensor is not None}
    if not pairs:
        return {}
    cotangents = [to_tensor(bar).to(grad.dtype) for grad, bar in pairs]
    found, again = [grad for grad, _ in pairs], case.bar_grad_x is not None
    seconds = torch.autograd.grad(found, list(wanted.values()), cotangents, materialize_grads=True, create_graph=again)
    return dict(zip(wanted, seconds, strict=True))


def _tangent(case: Case, normalize: Normalize, inputs: Tensors, running: Tensors) -> torch.Tensor:
    """Returns the tangent of y in y's type; for inputs of 16 bits torch gives that of inference in float32."""
    with forward_ad.dual_level():
        duals = map(_dual, inputs, (case.dot_x, case.dot_gamma, case.dot_beta))
        y, tangent = forward_ad.unpack_dual(normalize(*duals, *running))
    return tangent.to(y.dtype)


def _dual(tensor: torch.Tensor | None, dot: np.ndarray | None) -> torch.Tensor | None:
    if tensor is None or dot is None:
        return tensor
    return forward_ad.make_dual(tensor.detach(), to_tensor(dot).to(tensor.dtype))


DIALECT = Dialect(
    single_value="raises",
    stats_dtype="float32",
    params_dtype="float32",
    links={
        "running_var": "https://docs.pytorch.org/docs/2.13/generated/torch.nn.BatchNorm1d.html",
        "single_value": SOURCE + "torch/nn/functional.py#L2855",
        "stats_dtype": SOURCE + "aten/src/ATen/native/cpu/batch_norm_kernel.cpp",
        "params_dtype": SOURCE + "aten/src/ATen/native/cpu/mixed_data_type.h",
    },
)


FUNCTION = "https://docs.pytorch.org/docs/2.13/generated/torch.nn.functional.batch_norm.html"
FUNCTION_SETTINGS = Settings(
    call="torch.nn.functional.batch_norm",
    eps=Argument("eps", "1e-05", FUNCTION),
    momentum=Argument("momentum", "0.1", FUNCTION),
    weighs="new",
    scale=Argument("weight", "None", FUNCTION, on="weight", off="None"),
    shift=Argument("bias", "None", FUNCTION, on="bias", off="None"),
    state=Argument(
        "running_mean", "", FUNCTION, on="running_mean, running_var=running_var", off="None, running_var=None"
    ),
)
"""What a user writes to call torch.nn.functional.batch_norm."""

VERSIONS = installed("torch")
FEATURES = frozenset({"memory", "tangents", "second_order", "third_order", "wide_parameters", "malformed"})
DEVICES = frozenset({"cpu", "cuda"} if torch.cuda.is_available() else {"cpu"})


def implementation(name: str, run: Callable[[Case], Outcome], **stated: Any) -> Implementation:
    """Returns the Implementation of that name: what `outcome` offers, on every device, where nothing else is stated."""
    usual = {
        "dialect": DIALECT,
        "dtypes": frozenset(DTYPES),
        "devices": DEVICES,
        "features": FEATURES,
        "versions": VERSIONS,
    }
    version = torch.__version__.partition("+")[0]
    return Implementation(name=name, run=run, version=version, **{**usual, **stated})
