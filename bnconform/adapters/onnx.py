"""ONNX: the operator BatchNormalization in `onnx.reference.ReferenceEvaluator`, the standard's own executable form.

Rules: those of `_onnx`. The evaluator computes in NumPy, in x's type, and is given x wherever it lies in memory.
"""

from __future__ import annotations

from functools import partial

import numpy as np
from onnx.reference import ReferenceEvaluator

from bnconform.adapters import _onnx
from bnconform.adapters._arrays import DEFAULT_EPS, DEFAULTS
from bnconform.contract.case import Case
from bnconform.contract.errors import Unsupported
from bnconform.contract.implementation import Implementation
from bnconform.contract.outcome import Outcome
from bnconform.contract.versions import installed

SOURCE = "https://github.com/onnx/onnx/blob/v1.23.2/onnx/reference/ops/op_batch_normalization.py"


def run(case: Case, opset: int) -> Outcome:
    """Runs the operator of `opset` on the case."""
    if case.mode == "train" and opset < 14:
        raise Unsupported("before opset 14 the evaluator gives y alone, with none of the outputs of training")
    with np.errstate(all="ignore"):  # what overflows is judged by its value; it need not also warn
        found = ReferenceEvaluator(_onnx.model(case, opset)).run(None, {"x": _onnx.channels_second(case)})
    return _onnx.outcome(case, found)


HALF = _onnx.dialect(
    15,
    stats_dtype="float32",
    stored_dtype="float16",
    elementwise_dtype="float16",
    links={"stats_dtype": f"{_onnx.DOCUMENTATION}15", "stored_dtype": SOURCE, "elementwise_dtype": SOURCE},
)
"""Of float16 since opset 15: “The computation of ReduceMean and ReduceVar uses float to avoid overflow”."""

IMPLEMENTATIONS = [
    Implementation(
        name=f"onnx.reference.BatchNormalization:opset{opset}",
        settings=_onnx.TRAINING_SETTINGS if opset >= 14 else _onnx.INFERENCE_SETTINGS,
        run=partial(run, opset=opset),
        dialect=_onnx.dialect(opset, links={}),
        by_dtype={"float16": HALF} if opset >= 15 else {},
        dtypes={"float16", "float32", "float64", *(("bfloat16",) if opset >= 14 else ())},
        version=_onnx.VERSION,
        versions=installed("onnx"),
        features={"memory", *_onnx.WIDE.get(opset, ())} | (DEFAULTS if opset >= 14 else DEFAULT_EPS),
    )
    for opset in _onnx.OPSETS
]
