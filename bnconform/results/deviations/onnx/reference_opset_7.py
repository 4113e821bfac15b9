"""onnx.reference.ReferenceEvaluator, BatchNormalization in inference: the operator of opset 7 raises whatever it is
given; that of opset 15 is right. Exit status 1: still so."""

import numpy as np
import onnx
from onnx.reference import ReferenceEvaluator

MODEL = """<ir_version: 8, opset_import: ["": OPSET]>
one_node (float[N, 1] x, float[1] s, float[1] b, float[1] m, float[1] v) => (float[N, 1] y)
{ y = BatchNormalization<epsilon = 0.0>(x, s, b, m, v) }"""
x, one, zero = np.array([[0.0], [4.0]], np.float32), np.ones(1, np.float32), np.zeros(1, np.float32)
feeds = {"x": x, "s": one, "b": zero, "m": zero, "v": one}
found = {}
for opset in ("7", "15"):
    try:
        found[opset] = ReferenceEvaluator(onnx.parser.parse_model(MODEL.replace("OPSET", opset))).run(None, feeds)[0]
    except TypeError as error:
        found[opset] = f"TypeError: {str(error)[:90]} ..."
print("onnx", onnx.__version__)
print("opset 7:  returned", found["7"])  # One of the results returned by method '_run' ... is a tuple
print("opset 15: returned", np.ravel(found["15"]))
print("          due     ", x.ravel())  # (x - 0)/sqrt(1 + 0)
raise SystemExit(int(isinstance(found["7"], str)))  # no tolerance: it raises
