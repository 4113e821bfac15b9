"""The part that the folders of the ONNX family share: a layer and a normalization as a model, and one layer read back.

Rules: those of `_onnx`; a linear layer with a bias is a Gemm of a weight (O, I), as torch exports it, and one without
is a MatMul of a weight (I, O). A folder that leaves a BatchNormalization has not folded: that is not offered, and no
answer. A bias that stands behind the layer as an Add is the layer's.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import onnx
from onnx import helper, numpy_helper

from bnconform.adapters import _onnx
from bnconform.adapters._arrays import parameters
from bnconform.contract.axes import as_layer, from_layer
from bnconform.contract.case import Case
from bnconform.contract.dialect import Dialect
from bnconform.contract.errors import Unsupported
from bnconform.contract.implementation import Implementation
from bnconform.contract.memory import in_c_order
from bnconform.contract.outcome import Outcome
from bnconform.contract.versions import installed

OPSET = 15
EXTENT = 4
OPERATORS = ("Conv", "ConvTranspose", "Gemm", "MatMul", "FusedConv", "FusedGemm")
DIALECT = Dialect(attribute_dtype="float32", links={"attribute_dtype": f"{_onnx.DOCUMENTATION}{OPSET}"})


def model(case: Case) -> Any:
    """Returns the onnx.ModelProto of the case's layer, on an input of a few values, and of its normalization."""
    plain = in_c_order(case)
    weight = as_layer(plain)
    inputs = weight.shape[0] if case.layer == "transposed" else weight.shape[1] * (case.groups or 1)
    arrays = {"weight": weight.T if case.layer == "linear" and case.bias is None else weight}
    if case.bias is not None:
        arrays["bias"] = np.asarray(plain.bias)
    vectors = parameters(plain, plain.x.dtype)._asdict()
    ones, zeros = np.ones(case.channels, plain.x.dtype), np.zeros(case.channels, plain.x.dtype)
    stand_in = {"ones": ones, "zeros": zeros}
    given = {name: stand_in[_onnx.STAND_IN[name]] if array is None else array for name, array in vectors.items()}
    kind, extents = _onnx.TYPES[case.dtype], [EXTENT] * (case.x.ndim - 2)
    layer = _node(case, ["x", *arrays])
    normalization = helper.make_node("BatchNormalization", ["z", *given], ["y"], epsilon=case.eps)
    graph = helper.make_graph(
        [layer, normalization],
        "two_layers",
        [helper.make_tensor_value_info("x", kind, [1, inputs, *extents])],
        [helper.make_tensor_value_info("y", kind, None)],
        [_initializer(name, kind, array) for name, array in (arrays | given).items()],
    )
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=8)
    return onnx.shape_inference.infer_shapes(made)


def _node(case: Case, inputs: list[str]) -> Any:
    if case.layer == "linear":
        return helper.make_node("MatMul", inputs, ["z"]) if len(inputs) == 2 else helper.make_node(
            "Gemm", inputs, ["z"], transB=1
        )  # fmt: skip
    operator = "ConvTranspose" if case.layer == "transposed" else "Conv"
    return helper.make_node(operator, inputs, ["z"], group=case.groups or 1)


def _initializer(name: str, kind: int, array: np.ndarray) -> Any:
    return helper.make_tensor(name, kind, array.shape, np.ascontiguousarray(array).tobytes(), raw=True)


def outcome(case: Case, folded: Any) -> Outcome:
    """Returns the weight and the bias of the one layer that a model was folded to."""
    nodes = list(folded.graph.node)
    if any(node.op_type == "BatchNormalization" for node in nodes):
        raise Unsupported("it does not fold this kind of layer")
    held = {one.name: numpy_helper.to_array(one) for one in folded.graph.initializer}
    held |= {node.output[0]: numpy_helper.to_array(node.attribute[0].t) for node in nodes if node.op_type == "Constant"}
    held |= {n.output[0]: held[n.input[0]] for n in nodes if n.op_type == "Cast" and n.input[0] in held}  # kept as x is
    (layer,) = [node for node in nodes if node.op_type in OPERATORS]
    weight = held[layer.input[1]]
    if layer.op_type == "MatMul" or (case.layer == "linear" and not _flag(layer, "transB")):
        weight = weight.T
    biases = [held[name] for name in layer.input[2:3] if name]
    biases += [held[name] for node in nodes if node.op_type == "Add" for name in node.input if name in held]
    if len(biases) > 1:
        raise ValueError(f"got {len(biases)} summands of the folded layer; expected its bias alone")
    bias = biases[0].reshape(-1) if biases else np.zeros(case.channels, case.x.dtype)
    if weight.shape != as_layer(case).shape:
        raise ValueError(f"the folded weight has shape {weight.shape}; expected {as_layer(case).shape}")
    folded = np.ascontiguousarray(from_layer(weight, case))
    return Outcome(folded_weight=folded, folded_bias=np.ascontiguousarray(np.broadcast_to(bias, (case.channels,))))


def implementation(name: str, run: Callable[[Case], Outcome], *versions: str, **stated: Any) -> Implementation:
    """Returns the Implementation of a folder. versions: the distributions that it consists of, its own first."""
    usual = {"dialect": DIALECT, "dtypes": {"float16", "float32"}, "features": {"fold"}, "only": {"fold"}}
    known = installed(*versions, "onnx")
    return Implementation(name=name, run=run, version=known.get(versions[0], ""), versions=known, **{**usual, **stated})


def _flag(node: Any, name: str) -> bool:
    return any(one.name == name and one.i for one in node.attribute)
