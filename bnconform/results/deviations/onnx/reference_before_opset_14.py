"""onnx.reference.ReferenceEvaluator, BatchNormalization in inference (one output), before opset 14: opset 7 raises
whatever it is given, opset 9 normalizes by running statistics that it has first mixed with those of the batch, by a
momentum that inference does not have. Opset 9: https://github.com/onnx/onnx/pull/8442."""

import numpy as np
import onnx
from onnx import TensorProto, helper
from onnx.reference import ReferenceEvaluator

x = np.arange(12, dtype=np.float32).reshape(4, 3)
given = {"scale": [1, 1, 1], "B": [0, 0, 0], "mean": [0, 0, 0], "var": [1, 1, 1]}
given = {name: np.array(values, np.float32) for name, values in given.items()}
wrong = False
for opset in (7, 9, 14, 15):
    node = helper.make_node("BatchNormalization", ["x", *given], ["y"], epsilon=0.0)
    names = [helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in ("x", *given)]
    graph = helper.make_graph([node], "one_node", names, [helper.make_tensor_value_info("y", TensorProto.FLOAT, None)])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=8)
    try:
        (y,) = ReferenceEvaluator(model).run(None, {"x": x, **given})
        wrong |= np.abs(y - x).max() > 1e-5
        print(
            f"opset {opset:2}: worst |y - x| = {np.abs(y - x).max():.3g} (exact: 0, as mean = 0, var = 1, epsilon = 0)"
        )
    except Exception as error:
        wrong = True
        print(f"opset {opset:2}: {type(error).__name__}: {str(error)[:90]} …")
print("onnx", onnx.__version__)
raise SystemExit(int(wrong))
