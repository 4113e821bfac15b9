"""OpenVINO: the operation BatchNormInference on the CPU plugin, by default and with the hint to infer in float32.

Rules: as in a model file, all but x are constants, so that each case is a model of its own; compiling it costs 15 to 40
ms, a run 0.3 ms. Channels stand on axis 1; another axis is moved there. Ones and zeros stand for an absent gamma and
beta. float64 the plugin computes in float32 and does not list, so it is not offered.
"""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
import openvino
from openvino import opset15

from bnconform.adapters._arrays import parameters
from bnconform.case import Case, Outcome, Unsupported
from bnconform.dialect import Dialect, Implementation

CORE = openvino.Core()
TYPES = {"float16": openvino.Type.f16, "bfloat16": openvino.Type.bf16, "float32": openvino.Type.f32}
PRECISION: dict[str, Any] = {"INFERENCE_PRECISION_HINT": "f32"}


def model(case: Case) -> Any:
    """Returns the openvino.Model of `case`, whose one input is x with its channels on axis 1."""
    kind, params = TYPES[case.dtype], parameters(case, case.x.dtype)
    gamma = np.ones(case.channels, case.x.dtype) if params.gamma is None else params.gamma
    beta = np.zeros(case.channels, case.x.dtype) if params.beta is None else params.beta
    x = opset15.parameter(_channels_second(case).shape, kind)
    # By way of float32, which holds all of them exactly: bfloat16 is not NumPy's own.
    vectors = (gamma, beta, params.running_mean, params.running_var)
    constants = [opset15.constant(np.asarray(vector).astype(np.float32), kind) for vector in vectors]
    return openvino.Model([opset15.batch_norm_inference(x, *constants, case.eps)], [x], "one_node")


def _channels_second(case: Case) -> np.ndarray:
    return np.ascontiguousarray(np.moveaxis(case.x, case.axis, 1))


def run(case: Case, hints: dict[str, Any]) -> Outcome:
    """Runs the operation on the case, compiled with these hints."""
    if case.mode != "infer":
        raise Unsupported("inference only")
    compiled = CORE.compile_model(model(case), "CPU", {"INFERENCE_NUM_THREADS": 1, **hints})
    x = _channels_second(case)
    bits = x.view(f"u{x.itemsize}")  # an array of bfloat16 is only taken as its bits
    y = np.array(compiled([openvino.Tensor(bits, x.shape, TYPES[case.dtype])])[0]).view(x.dtype)
    return Outcome(y=np.moveaxis(y, 1, case.axis))


DOCUMENTATION = (
    "https://docs.openvino.ai/2026/openvino-workflow/running-inference/inference-devices-and-modes/cpu-device.html"
    "#floating-point-data-types-specifics"
)
WIDE = Dialect(stats_dtype="float32", links={"stats_dtype": DOCUMENTATION})


def _implementation(name: str, hints: dict[str, Any], dialect: Dialect) -> Implementation:
    return Implementation(
        name=name,
        run=partial(run, hints=hints),
        dialect=dialect,
        dtypes=set(TYPES),
        compiled=True,
        version=openvino.__version__.partition("-")[0],
    )


IMPLEMENTATIONS = [
    _implementation("openvino.batch_norm_inference", {}, Dialect()),
    _implementation("openvino.batch_norm_inference:f32", PRECISION, WIDE),
]
