"""onnx.reference.ReferenceEvaluator, BatchNormalization in training: a batch of no examples makes the running
statistics NaN for good. Exit status 1: still so."""

import numpy as np
import onnx
from onnx.reference import ReferenceEvaluator

MODEL = """<ir_version: 8, opset_import: ["": 15]>
one_node (float[N, 1] x, float[1] s, float[1] b, float[1] m, float[1] v) => (float[N, 1] y, float[1] mean, float[1] var)
{ y, mean, var = BatchNormalization<training_mode = 1, momentum = 0.9>(x, s, b, m, v) }"""
one, zero = np.ones(1, np.float32), np.zeros(1, np.float32)
feeds = {"x": np.zeros((0, 1), np.float32), "s": one, "b": zero, "m": zero, "v": one}
_, mean, var = ReferenceEvaluator(onnx.parser.parse_model(MODEL)).run(None, feeds)
print("onnx", onnx.__version__, "| running mean and variance")
print("returned", mean[0], var[0])  # nan nan
print("due 0.0 1.0, as before, or a refusal")  # nothing has no mean to be averaged
raise SystemExit(int(np.isnan(mean).any()))  # no tolerance: it is no number
