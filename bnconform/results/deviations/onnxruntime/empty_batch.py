"""ONNX Runtime, BatchNormalization in training: a batch of no examples makes the running statistics NaN."""

import numpy as np
import onnxruntime
from onnx import TensorProto, helper

node = helper.make_node("BatchNormalization", list("xsbmv"), ["y", "mean", "var"], training_mode=1, momentum=0.9)
values = [helper.make_tensor_value_info(name, TensorProto.FLOAT, ["n", 2] if name == "x" else [2]) for name in "xsbmv"]
outputs = [
    helper.make_tensor_value_info(n, TensorProto.FLOAT, ["n", 2] if n == "y" else [2]) for n in ("y", "mean", "var")
]
graph = helper.make_graph([node], "g", values, outputs)
model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 15)], ir_version=8)
one, zero = np.ones(2, np.float32), np.zeros(2, np.float32)
feeds = {"x": np.zeros((0, 2), np.float32), "s": one, "b": zero, "m": zero, "v": one}
session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
y, mean, var = session.run(None, feeds)
print(f"ONNX Runtime {onnxruntime.__version__}: y {y.shape}, mean {mean} from 0, variance {var} from 1")
raise SystemExit(int(np.isnan(mean).any()))
