"""OpenVINO on CPU, BatchNormInference in f16 and bf16 with constant parameters: they are folded in 16 bits, whatever
the hint for the inference precision, while the documentation says that “the plugin internally converts all the f16
values to f32, and all calculations are performed using the native precision of f32”. So the scale is rounded twice,
and a shift beyond the range of f16 makes y infinite where it is near zero. With the same parameters as inputs it is
right."""

import numpy as np
import openvino
from openvino import opset15

CORE = openvino.Core()


def infer(x, parameters, epsilon, kind, constant):
    data = opset15.parameter(x.shape, kind)
    nodes = [opset15.constant(p, kind) if constant else opset15.parameter(p.shape, kind) for p in parameters]
    inputs = [data] if constant else [data, *nodes]
    model = openvino.Model([opset15.batch_norm_inference(data, *nodes, epsilon)], inputs, "one_node")
    compiled = CORE.compile_model(model, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    return np.array(compiled([x] if constant else [x, *parameters])[0])


def show(what, x, gamma, beta, mean, var, epsilon):
    parameters = [np.array([p], np.float16) for p in (gamma, beta, mean, var)]
    g, b, m, v = (float(p[0]) for p in parameters)
    x = np.array([[x]], np.float16)
    exact = (float(x[0, 0]) - m) / np.sqrt(v + epsilon) * g + b
    for constant in (True, False):
        y = infer(x, parameters, epsilon, openvino.Type.f16, constant).item()
        how = "constant" if constant else "as input"
        print(f"{what:10} parameters {how}: y = {y}, exact {exact:.9g}, rounded to f16 {np.float16(exact)}")


show("scale", 0.0, 1.0, 0.0, 0.5, 1.0, 0.001)
show("shift", 7624.0, 6.8, 0.2, 7624.0, 0.6, 0.02)

rng = np.random.default_rng(0)  # bf16: fifty values, each of which float32 arithmetic would round once
x = (rng.normal(size=(50, 1)).astype(np.float32).view(np.uint32) & np.uint32(0xFFFF0000)).view(np.float32)
gamma, beta, mean, var = (np.array([p], np.float32) for p in (1.0, 0.0, 0.5, 1.25))
data = opset15.parameter(x.shape, openvino.Type.bf16)
nodes = [opset15.constant(p, openvino.Type.bf16) for p in (gamma, beta, mean, var)]
out = opset15.convert(opset15.batch_norm_inference(data, *nodes, 0.0), "f32")
compiled = CORE.compile_model(openvino.Model([out], [data], "one_node"), "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
bits = (x.view(np.uint32) >> 16).astype(np.uint16)
y = np.array(compiled([openvino.Tensor(bits, bits.shape, openvino.Type.bf16)])[0])
exact = (x.astype(np.float64) - 0.5) / np.sqrt(1.25)
worst = np.max(np.abs(y / exact - 1))
print(f"bf16       parameters constant: worst relative error {worst:.2g}; one rounding is at most {2.0**-9:.2g}")
print("openvino", openvino.__version__, CORE.get_property("CPU", "OPTIMIZATION_CAPABILITIES"))
raise SystemExit(int(worst > 1.1 * 2.0**-9))
