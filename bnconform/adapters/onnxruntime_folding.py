"""ONNX Runtime's graph optimizations as a folder: what a session makes of a layer and the BatchNormalization behind it.

Rules: those of `_onnx_folding`. The session writes its optimized model to a file, which is read back. Of the levels
"basic" and "extended" are judged, beyond which weights are kept in the order of a processor's vectors.
"""

from __future__ import annotations

import os
import tempfile
from functools import partial

import onnx
import onnxruntime

from bnconform.adapters import _onnx_folding
from bnconform.contract.case import Case
from bnconform.contract.outcome import Outcome

LEVELS = {
    "basic": onnxruntime.GraphOptimizationLevel.ORT_ENABLE_BASIC,
    "extended": onnxruntime.GraphOptimizationLevel.ORT_ENABLE_EXTENDED,
}


def run(case: Case, level: str) -> Outcome:
    """Returns the layer that a session of that level keeps."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1  # a pool of threads costs more than the session
    options.log_severity_level = 4
    options.graph_optimization_level = LEVELS[level]
    with tempfile.TemporaryDirectory() as folder:
        path = options.optimized_model_filepath = os.path.join(folder, "optimized.onnx")
        serialized = _onnx_folding.model(case).SerializeToString()
        onnxruntime.InferenceSession(serialized, options, providers=["CPUExecutionProvider"])
        return _onnx_folding.outcome(case, onnx.load(path))


IMPLEMENTATIONS = [
    _onnx_folding.implementation(
        f"onnxruntime.InferenceSession:folding_{level}",
        partial(run, level=level),
        "onnxruntime",
        "onnxruntime-gpu",
        opt_in=level != "basic",
    )
    for level in LEVELS
]
