"""ONNX Runtime: the operator BatchNormalization, trained and inferred by a session of its own for each case.

Rules: those of `_onnx`. A session reads the model from memory, 0.3 ms where a run takes 0.02 ms, and optimizes it as it
does by default. x is handed over as it lies in memory. The kernels are of float32 and float64; float16 is cast to
float32 and back, and bfloat16 has no kernel.
"""

from __future__ import annotations

import os
from functools import partial

import onnxruntime

from bnconform.adapters import _onnx
from bnconform.adapters._arrays import DEFAULTS
from bnconform.contract.case import Case
from bnconform.contract.dialect import Dialect
from bnconform.contract.implementation import Implementation
from bnconform.contract.outcome import Outcome
from bnconform.contract.versions import installed

PROVIDERS = {"cpu": "CPUExecutionProvider", "cuda": "CUDAExecutionProvider"}
PROVIDER = PROVIDERS[os.environ.get("BNCONFORM_DEVICE", "cpu")]
SOURCE = "https://github.com/microsoft/onnxruntime/blob/v1.31.1/onnxruntime/core/"
KERNEL = SOURCE + "providers/cpu/nn/batch_norm.h"
OPTIONS = onnxruntime.SessionOptions()
OPTIONS.intra_op_num_threads = 1  # a pool of threads costs more than the session
OPTIONS.log_severity_level = 4


def run(case: Case, opset: int) -> Outcome:
    """Runs the operator of `opset` on the case."""
    serialized = _onnx.model(case, opset).SerializeToString()
    session = onnxruntime.InferenceSession(serialized, OPTIONS, providers=[PROVIDER])
    return _onnx.outcome(case, session.run(None, {"x": _onnx.channels_second(case)}))


def _dialect(opset: int, **half: str) -> Dialect:
    """Returns the operator's Dialect; the kernel's own text says what opsets before 14 leave open."""
    more = {"running_var": "biased"} if opset < 14 else {}
    links = {**dict.fromkeys(more, KERNEL), **dict.fromkeys(half, SOURCE + "optimizer/insert_cast_transformer.cc")}
    return _onnx.dialect(opset, **more, **half, links=links)


IMPLEMENTATIONS = [
    Implementation(
        name=f"onnxruntime.BatchNormalization:opset{opset}",
        settings=_onnx.TRAINING_SETTINGS,
        run=partial(run, opset=opset),
        dialect=_dialect(opset),
        by_dtype={"float16": _dialect(opset, stats_dtype="float32")},
        dtypes={"float16", "float32", "float64"},
        version=onnxruntime.__version__,
        versions=installed("onnxruntime", "onnxruntime-gpu", "onnx"),
        devices={device for device, name in PROVIDERS.items() if name in onnxruntime.get_available_providers()},
        features={"memory", *_onnx.WIDE.get(opset, ())} | DEFAULTS,
    )
    for opset in _onnx.OPSETS
]
