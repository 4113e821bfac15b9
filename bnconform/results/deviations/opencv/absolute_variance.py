"""OpenCV 5, module dnn, BatchNormalization from ONNX: it divides by sqrt(|var| + epsilon), so that a negative running
variance gives a plausible number instead of the formula's, or NaN. Exit status 1: still so."""

import cv2
import numpy as np
import onnx

MODEL = """<ir_version: 8, opset_import: ["": 15]>
one_node (float[1, 3] x) => (float[1, 3] y)
<float[3] scale = {1, 1, 1}, float[3] b = {0, 0, 0}, float[3] mean = {0, 0, 0}, float[3] var = {1, -0.03125, -1}>
{ y = BatchNormalization<epsilon = 0.0625>(x, scale, b, mean, var) }"""
serialized = onnx.parser.parse_model(MODEL).SerializeToString()
network = cv2.dnn.readNetFromONNX(np.frombuffer(serialized, np.uint8))
network.setInput(np.ones((1, 3), np.float32), "x")
y = network.forward()[0]
with np.errstate(invalid="ignore"):
    due = 1 / np.sqrt(np.array([1.0, -0.03125, -1.0]) + 0.0625)
print("opencv", cv2.__version__, "| running variance 1, -0.03125, -1")
print("returned", y.round(4))  # 0.9701, 3.266, 0.9701
print("due     ", due.round(4))  # 0.9701, 5.6569, nan
raise SystemExit(int(np.isfinite(y[2])))  # no tolerance: it is a number
