"""onnxruntime on CPU, BatchNormalization in training: y is wrong where scale or B is the same tensor as input_mean or
input_var and the running statistics are not asked for: the kernel writes them over their inputs, and then reads scale
and B. A model may hold one initializer twice, and the optimizer makes one of equal ones of up to eight elements by
itself; with float16 the outputs being asked for is no help. https://github.com/microsoft/onnxruntime/issues/29790,
fix proposed in https://github.com/microsoft/onnxruntime/pull/29878."""

import numpy as np
import onnxruntime
from onnx import helper, numpy_helper

FEW, MANY = 3, 16


def run(channels, dtype, inputs, asked):
    kind = helper.np_dtype_to_tensor_dtype(np.dtype(dtype))
    x = np.random.default_rng(0).normal(1, 2, (6, channels)).astype(dtype)
    held = {name: np.full(channels, name[0] == "o", dtype) for name in dict.fromkeys(inputs)}  # "one…": 1, "zero…": 0
    node = helper.make_node("BatchNormalization", ["x", *inputs], ["y", "mean", "var"], training_mode=1, momentum=0.5)
    graph = helper.make_graph(
        [node],
        "one_node",
        [helper.make_tensor_value_info("x", kind, x.shape)],
        [helper.make_tensor_value_info(name, kind, None) for name in asked],
        [numpy_helper.from_array(array, name) for name, array in held.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 15)], ir_version=8)
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    wide = x.astype(np.float64)
    want = (wide - wide.mean(0)) / np.sqrt(wide.var(0) + 1e-5)
    return np.abs(session.run(None, {"x": x})[0] - want).max()


shared, equal = ["ones", "zeros", "zeros", "ones"], ["ones", "zeros", "zero_mean", "one_var"]
for dtype in ("float32", "float64", "float16"):
    for told, channels, inputs, asked in [
        ("one initializer for scale and var, one for B and mean; y asked for", MANY, shared, ["y"]),
        ("the same, and the running statistics asked for", MANY, shared, ["y", "mean", "var"]),
        ("four initializers of 16 elements, equal in pairs; y asked for", MANY, equal, ["y"]),
        ("four initializers of 3 elements, equal in pairs; y asked for", FEW, equal, ["y"]),
        ("the same, and the running statistics asked for", FEW, equal, ["y", "mean", "var"]),
    ]:
        print(f"{dtype}  worst |y - exact| = {run(channels, dtype, inputs, asked):8.2g}  {told}")
print("onnxruntime", onnxruntime.__version__)
raise SystemExit(int(run(MANY, "float32", shared, ["y"]) > 1e-3))
