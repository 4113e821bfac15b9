"""OpenVINO as a folder: its common transformations of a model, which `Core.compile_model` begins with.

Rules: those of `_onnx_folding`, but that the layer is read off OpenVINO's own graph.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import openvino
from openvino._offline_transformations import apply_moc_transformations

from bnconform.adapters import _onnx_folding
from bnconform.contract.axes import as_layer, from_layer
from bnconform.contract.case import Case
from bnconform.contract.errors import Unsupported
from bnconform.contract.outcome import Outcome

CORE = openvino.Core()
LAYERS = ("Convolution", "GroupConvolution", "ConvolutionBackpropData", "GroupConvolutionBackpropData", "MatMul")


def run(case: Case) -> Outcome:
    """Returns the layer that the transformations leave."""
    model = CORE.read_model(_onnx_folding.model(case).SerializeToString())
    apply_moc_transformations(model, cf=False)
    operators = {one.get_type_name(): one for one in model.get_ordered_ops()}
    layers = [operators[name] for name in LAYERS if name in operators]
    if set(operators) - {*LAYERS, "Parameter", "Constant", "Add", "Result", "Convert"} or len(layers) != 1:
        raise Unsupported(f"it does not fold this kind of layer: it leaves {', '.join(sorted(operators))}")
    weight, due = _held(layers[0].input_value(1)), as_layer(case).shape
    if case.layer == "linear" and not layers[0].get_attributes()["transpose_b"]:
        weight = weight.T
    bias = np.zeros(case.channels, case.x.dtype)
    if "Add" in operators:
        bias = _held(operators["Add"].input_value(1)).reshape(-1)
    if weight.size != np.prod(due):
        raise ValueError(f"the folded weight has shape {weight.shape}; expected {due}")
    # That of a layer in groups has an axis of groups in front.
    folded = np.ascontiguousarray(from_layer(weight.reshape(due), case))
    return Outcome(folded_weight=folded, folded_bias=np.ascontiguousarray(np.broadcast_to(bias, (case.channels,))))


def _held(output: Any) -> np.ndarray:
    """Returns the values of a constant, also behind a conversion to another type."""
    node = output.get_node()
    if node.get_type_name() == "Convert":
        node = node.input_value(0).get_node()
    if node.get_type_name() != "Constant":
        raise ValueError(f"got {node.get_type_name()}; expected a constant")
    return np.array(node.get_data())


IMPLEMENTATIONS = [
    _onnx_folding.implementation("openvino.apply_moc_transformations", run, "openvino"),
]
