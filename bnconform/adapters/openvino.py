"""OpenVINO on its CPU plugin: the operation BatchNormInference, by default and with the hint to infer in float32, and
the operator BatchNormalization of ONNX, which it turns into operations of its own, those of training too.

Rules: BatchNormInference has constants for all but x, as in a model file, so that each case is a model of its own;
compiling it costs 15 to 40 ms, a run 0.3 ms. The operator of ONNX follows the rules of `_onnx`, but that all of it are
inputs, so that one model does for a shape and its settings; a new one costs 90 ms. float64 the plugin computes in
float32 and does not list among its types, so it is not offered.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import openvino
from openvino import opset15

from bnconform.adapters import _onnx
from bnconform.adapters._arrays import DEFAULTS, parameters
from bnconform.contract.case import Case
from bnconform.contract.dialect import Dialect
from bnconform.contract.errors import Unsupported
from bnconform.contract.implementation import Implementation
from bnconform.contract.outcome import Outcome
from bnconform.contract.versions import installed

CORE = openvino.Core()
TYPES = {"float16": openvino.Type.f16, "bfloat16": openvino.Type.bf16, "float32": openvino.Type.f32}
OPSET = 15
PRECISION = {"INFERENCE_PRECISION_HINT": "f32"}


def _compile(model: Any, hints: dict[str, str]) -> Any:
    return CORE.compile_model(model, "CPU", {"INFERENCE_NUM_THREADS": 1, **hints})


def _run(compiled: Any, case: Case, *arrays: np.ndarray) -> list[np.ndarray]:
    """Returns the outputs of the model for `arrays`, which have the type of x."""
    plain = [np.ascontiguousarray(array) for array in arrays]
    bits = [array.view(f"u{array.itemsize}") for array in plain]  # bfloat16 is only taken as its bits
    tensors = [openvino.Tensor(array, array.shape, TYPES[case.dtype]) for array in bits]
    found = compiled(tensors)
    return [np.array(found[place]).view(case.x.dtype) for place in range(len(compiled.outputs))]


def model_of_constants(case: Case) -> Any:
    """Returns the openvino.Model of `case`, whose one input is x with its channels on axis 1."""
    kind, params = TYPES[case.dtype], parameters(case, case.x.dtype)
    gamma = np.ones(case.channels, case.x.dtype) if params.gamma is None else params.gamma
    beta = np.zeros(case.channels, case.x.dtype) if params.beta is None else params.beta
    x = opset15.parameter(_onnx.channels_second(case).shape, kind)
    # By way of float32, which holds all of them exactly: bfloat16 is not NumPy's own.
    vectors = (gamma, beta, params.running_mean, params.running_var)
    constants = [opset15.constant(np.asarray(vector).astype(np.float32), kind) for vector in vectors]
    return openvino.Model([opset15.batch_norm_inference(x, *constants, case.eps)], [x], "one_node")


def run(case: Case, hints: dict[str, str]) -> Outcome:
    """Runs BatchNormInference on the case, compiled with these hints."""
    if case.mode != "infer":
        raise Unsupported("inference only")
    compiled = _compile(model_of_constants(case), hints)
    return _onnx.outcome(case, _run(compiled, case, _onnx.channels_second(case)))


@functools.lru_cache(maxsize=512)
def _compiled(serialized: bytes) -> Any:
    return _compile(CORE.read_model(serialized), {})


def run_onnx(case: Case) -> Outcome:
    """Runs the operator of ONNX on the case."""
    compiled = _compiled(_onnx.model(case, OPSET, held=False).SerializeToString())
    vectors = _onnx.vectors(case, shared=False)[1]
    return _onnx.outcome(case, _run(compiled, case, _onnx.channels_second(case), *vectors.values()))


DOCUMENTATION = (
    "https://docs.openvino.ai/2026/openvino-workflow/running-inference/inference-devices-and-modes/cpu-device.html"
    "#floating-point-data-types-specifics"
)
WIDE = Dialect(stats_dtype="float32", links={"stats_dtype": DOCUMENTATION})
"""“All calculations are performed using the native precision of f32”, where that is the hint."""


def _implementation(name: str, run: Callable[[Case], Outcome], dialect: Dialect, **more: Any) -> Implementation:
    return Implementation(
        name=name,
        run=run,
        dialect=dialect,
        dtypes=set(TYPES),
        compiled=True,
        version=openvino.__version__.partition("-")[0],
        versions=installed("openvino", "onnx"),
        **more,
    )


IMPLEMENTATIONS = [
    _implementation("openvino.batch_norm_inference", partial(run, hints={}), Dialect()),
    _implementation("openvino.batch_norm_inference:f32", partial(run, hints=PRECISION), WIDE),
    _implementation(
        "openvino.BatchNormalization@onnx",
        run_onnx,
        _onnx.dialect(OPSET, links={}),
        settings=_onnx.TRAINING_SETTINGS,
        features=DEFAULTS,
    ),
]
