"""The part that the adapters of the ONNX family share: a case as a model file of one BatchNormalization node.

Rules: as in a file, all but x are initializers; they have x's type, admitted by every version of the operator, or since
opset 15 the wider one that the case gives them (T1 and T2 of the documentation). ONNX
wants the channels on axis 1, so another axis is moved there as a view; its momentum weighs the old statistics, so it
receives 1 - momentum, and both attributes are float32; a node has none of them that the case leaves out. All inputs are
required: one initializer of ones and one of zeros stand for all that are absent. Before opset 14 a node trains where it
has all its outputs; since then an attribute says so.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper

from bnconform.adapters._arrays import given, given_dtype, parameters
from bnconform.contract.case import Case
from bnconform.contract.dialect import Dialect
from bnconform.contract.dtypes import dtype_name
from bnconform.contract.memory import in_c_order
from bnconform.contract.outcome import Outcome
from bnconform.contract.settings import Argument, Settings

TYPES = {
    "float16": TensorProto.FLOAT16,
    "bfloat16": TensorProto.BFLOAT16,
    "float32": TensorProto.FLOAT,
    "float64": TensorProto.DOUBLE,
}
OPSETS = (7, 9, 14, 15)
"""The versions of the operator that differ in their documentation."""
STAND_IN = {"gamma": "ones", "beta": "zeros", "running_mean": "zeros", "running_var": "ones"}
OUTPUTS = ("y", "running_mean", "running_var", "saved_mean", "saved_var")
WIDE = {15: frozenset({"wide_parameters"})}
"""What an opset admits beyond the others: parameters and averages of types of their own."""
OPERATOR = "https://onnx.ai/onnx/operators/onnx__BatchNormalization.html"
DOCUMENTATION = OPERATOR + "#l-onnx-op-batchnormalization-"
INFERENCE_SETTINGS = Settings(
    call="BatchNormalization",
    eps=Argument("epsilon", "1e-05", OPERATOR),
    momentum=Argument("momentum", "0.9", OPERATOR),
    weighs="old",
    offers=("inference", "affine"),
)
TRAINING_SETTINGS = replace(INFERENCE_SETTINGS, offers=("training", "inference", "averages", "affine"))


def model(case: Case, opset: int, held: bool = True) -> Any:
    """Returns the onnx.ModelProto of `case`: it holds all but x, or else its inputs are x and then `vectors`."""
    inputs, arrays = vectors(case, shared=held)
    outputs = _outputs(case, opset)
    asked = outputs[:1] if held and opset >= 14 and case.running_mean is None else outputs
    kind, shape = TYPES[case.dtype], channels_second(case).shape
    kept = TYPES[dtype_name(given_dtype(case))]
    attributes = given(case, {"epsilon": case.eps}, {"momentum": 1 - case.momentum})
    if opset >= 14:
        attributes["training_mode"] = int(case.mode == "train")
    further = [helper.make_tensor_value_info(name, kept, [case.channels]) for name in arrays]
    graph = helper.make_graph(
        [helper.make_node("BatchNormalization", ["x", *inputs], outputs, **attributes)],
        "one_node",
        [helper.make_tensor_value_info("x", kind, shape), *([] if held else further)],
        [helper.make_tensor_value_info(n, *((kind, shape) if n == "y" else (kept, [case.channels]))) for n in asked],
        [helper.make_tensor(name, kept, a.shape, a.tobytes(), raw=True) for name, a in arrays.items() if held],
    )
    # The oldest IR that knows opset 15 and takes initializers that are no inputs, so that older engines read it too.
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=8)


def vectors(case: Case, shared: bool) -> tuple[list[str], dict[str, np.ndarray]]:
    """Returns the names of gamma, beta, mean and variance, and the arrays by name; absent ones are shared or not."""
    plain = in_c_order(case)
    kept = given_dtype(plain)
    there = parameters(plain, kept)._asdict()
    constants = {"ones": np.ones(case.channels, kept), "zeros": np.zeros(case.channels, kept)}
    filled = {name: constants[STAND_IN[name]] if array is None else array for name, array in there.items()}
    names = {name: STAND_IN[name] if shared and there[name] is None else "old_" + name for name in there}
    return list(names.values()), {names[name]: array for name, array in filled.items()}


def _outputs(case: Case, opset: int) -> tuple[str, ...]:
    if case.mode == "infer":
        return OUTPUTS[:1]
    return OUTPUTS if opset < 14 else OUTPUTS[:3]


def channels_second(case: Case) -> np.ndarray:
    """Returns x with its channels on axis 1."""
    return np.moveaxis(case.x, case.axis, 1)


def outcome(case: Case, found: Sequence[np.ndarray]) -> Outcome:
    """Returns the Outcome of the outputs of the model of `case`."""
    named = dict(zip(OUTPUTS, found, strict=False))  # before opset 14 with saved statistics, which nothing specifies
    tracked = OUTPUTS[1:3] if case.mode == "train" and case.running_mean is not None else ()
    running = {name: np.asarray(named[name]) for name in tracked}
    return Outcome(y=np.moveaxis(np.asarray(named["y"]), 1, case.axis), **running)


def dialect(opset: int, *, links: dict[str, str], **more: Any) -> Dialect:
    """Returns the operator's documented choices in that version, with an engine's own beyond them."""
    documented: dict[str, Any] = {"running_var": "biased"} if opset >= 14 else {}
    stated = {"attribute_dtype": "float32", **documented}
    where = dict.fromkeys(stated, f"{DOCUMENTATION}{opset}")
    return Dialect(**stated, **more, links={**where, **links})


VERSION = onnx.__version__
