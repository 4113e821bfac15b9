"""OpenCV 5, module dnn, BatchNormalization from ONNX: it divides by sqrt(|var| + epsilon), so that a running variance
below zero, which an average never is, gives a plausible number instead of one by the formula, or NaN."""

import cv2
import numpy as np
from onnx import TensorProto, helper, numpy_helper

EPSILON = 0.0625
var = np.array([1.0, -0.03125, -1.0], np.float32)
held = {"scale": np.ones(3), "B": np.zeros(3), "mean": np.zeros(3), "var": var}
node = helper.make_node("BatchNormalization", ["x", *held], ["y"], epsilon=EPSILON)
graph = helper.make_graph(
    [node],
    "one_node",
    [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 3])],
    [helper.make_tensor_value_info("y", TensorProto.FLOAT, [1, 3])],
    [numpy_helper.from_array(np.asarray(array, np.float32), name) for name, array in held.items()],
)
model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 15)], ir_version=8)
network = cv2.dnn.readNetFromONNX(np.frombuffer(model.SerializeToString(), np.uint8))
network.setInput(np.ones((1, 3), np.float32), "x")
with np.errstate(invalid="ignore"):
    exact = 1 / np.sqrt(var.astype(np.float64) + EPSILON)
print("var      ", var)
print("y        ", network.forward()[0])
print("exact    ", exact)
print("by |var| ", 1 / np.sqrt(np.abs(var.astype(np.float64)) + EPSILON))
print("opencv", cv2.__version__)
raise SystemExit(int(np.isfinite(network.forward()[0][2])))
