"""onnxoptimizer as a folder: its pass `fuse_bn_into_conv`.

Rules: those of `_onnx_folding`. The pass leaves the new weight and bias as operators on constants, for others to
compute; the reference evaluator of ONNX does so here.
"""

from __future__ import annotations

from typing import Any

import onnxoptimizer
from onnx import helper, numpy_helper
from onnx.reference import ReferenceEvaluator

from bnconform.adapters import _onnx, _onnx_folding
from bnconform.contract.case import Case
from bnconform.contract.outcome import Outcome

PASSES = ["extract_constant_to_initializer", "fuse_bn_into_conv"]


def run(case: Case) -> Outcome:
    """Returns the layer that the pass makes."""
    folded = onnxoptimizer.optimize(_onnx_folding.model(case), PASSES)
    nodes = list(folded.graph.node)
    if nodes[-1].op_type == "Conv":
        _compute(folded, nodes, _onnx.TYPES[case.dtype])
    return _onnx_folding.outcome(case, folded)


def _compute(folded: Any, nodes: list[Any], kind: int) -> None:
    """Puts the constants that the last node takes in place of what computes them."""
    names = list(nodes[-1].input[1:])
    outputs = [helper.make_tensor_value_info(name, kind, None) for name in names]
    constants = helper.make_graph(nodes[:-1], "constants", [], outputs, folded.graph.initializer)
    found = ReferenceEvaluator(helper.make_model(constants, opset_imports=folded.opset_import)).run(None, {})
    folded.graph.ClearField("node")
    folded.graph.node.append(nodes[-1])
    folded.graph.initializer.extend(numpy_helper.from_array(one, name) for one, name in zip(found, names, strict=True))


IMPLEMENTATIONS = [_onnx_folding.implementation("onnxoptimizer.fuse_bn_into_conv", run, "onnxoptimizer")]
