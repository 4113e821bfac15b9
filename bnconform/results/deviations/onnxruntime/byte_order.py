"""onnxruntime in Python reads an array of the other byte order as if it were of the machine's own, without a word."""

import numpy as np
import onnxruntime
from onnx import TensorProto, helper

given = {"scale": [1], "B": [0], "mean": [0], "var": [1]}
given = {name: np.array(values, np.float32) for name, values in given.items()}
node = helper.make_node("BatchNormalization", ["x", *given], ["y"], epsilon=0.0)
graph = helper.make_graph(
    [node],
    "one_node",
    [helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in ("x", *given)],
    [helper.make_tensor_value_info("y", TensorProto.FLOAT, None)],
)
model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 15)], ir_version=8)
session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
x = np.array([[1.0], [2.0], [3.0]], np.float32)
for array in (x, x.astype(x.dtype.newbyteorder("S"))):
    print(array.dtype.str, array.ravel(), "->", session.run(None, {"x": array, **given})[0].ravel())
print("onnxruntime", onnxruntime.__version__)
raise SystemExit(int(not np.array_equal(session.run(None, {"x": array, **given})[0], x)))
