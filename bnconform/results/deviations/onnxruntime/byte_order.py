"""onnxruntime in Python reads an array of the other byte order as if it were of the machine's own, without a word.
Exit status 1: still so."""

import numpy as np
import onnx
import onnxruntime

MODEL = """<ir_version: 8, opset_import: ["": 15]>
one_node (float[N, 1] x, float[1] s, float[1] b, float[1] m, float[1] v) => (float[N, 1] y)
{ y = BatchNormalization<epsilon = 0.0>(x, s, b, m, v) }"""
serialized = onnx.parser.parse_model(MODEL).SerializeToString()
session = onnxruntime.InferenceSession(serialized, providers=["CPUExecutionProvider"])
x, one, zero = np.array([[1.0], [2.0], [3.0]], np.float32), np.ones(1, np.float32), np.zeros(1, np.float32)
given = {"s": one, "b": zero, "m": zero, "v": one}
swapped, own = (session.run(None, {"x": one, **given})[0] for one in (x.astype(x.dtype.newbyteorder("S")), x))
print("onnxruntime", onnxruntime.__version__)
print("swapped bytes:     returned", swapped.ravel())  # 4.6e-41, 8.97e-44, 2.3e-41
print("the machine's own: returned", own.ravel())
print("                   due     ", x.ravel())  # (x - 0)/sqrt(1 + 0)
raise SystemExit(int(np.abs(swapped - x).max() > 0.01))  # off by more than 0.01; float32 is exact here
