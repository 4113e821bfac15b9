"""onnx.reference.ReferenceEvaluator, BatchNormalization of opset 15, training, float16: the variance overflows, though
the operator says that “the computation of ReduceMean and ReduceVar uses float to avoid overflow for float16 inputs”.
numpy.var sums float16 in float16; numpy.mean, which sums it in float32, does not."""

import numpy as np
import onnx
from onnx import TensorProto, helper
from onnx.reference import ReferenceEvaluator

x = np.array([[-512], [512], [-512], [512]], np.float16)  # each square is above the largest float16
ones, zeros = np.ones(1, np.float16), np.zeros(1, np.float16)
given = {"scale": ones, "B": zeros, "input_mean": zeros, "input_var": ones}
outputs = ["y", "running_mean", "running_var"]
node = helper.make_node("BatchNormalization", ["x", *given], outputs, training_mode=1, momentum=0.999)
kinds = [
    [helper.make_tensor_value_info(name, TensorProto.FLOAT16, None) for name in names]
    for names in (["x", *given], outputs)
]
model = helper.make_model(
    helper.make_graph([node], "one_node", *kinds), opset_imports=[helper.make_opsetid("", 15)], ir_version=8
)
with np.errstate(all="ignore"):
    y, mean, variance = ReferenceEvaluator(model).run(None, {"x": x, **given})
print("y          ", y.ravel(), "(exact: -1, 1, -1, 1)")
print("running_var", variance, f"(exact: {0.999 + 0.001 * 512**2:.1f}, which float16 holds)")
print("onnx", onnx.__version__, "numpy", np.__version__)
raise SystemExit(int(not np.isfinite(variance).all()))
