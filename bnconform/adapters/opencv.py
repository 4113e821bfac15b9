"""OpenCV: the module dnn on a model of one BatchNormalization node.

Rules: those of `_onnx`; a network is read for each case, 0.2 ms where a run takes 0.02 ms. The layer is of inference;
it asserts that its parameters are float32 or narrower, and gives float32 for float16.
"""

from __future__ import annotations

import cv2
import numpy as np

from bnconform.adapters import _onnx
from bnconform.adapters._arrays import DEFAULT_EPS
from bnconform.contract.case import Case
from bnconform.contract.errors import Unsupported
from bnconform.contract.implementation import Implementation
from bnconform.contract.outcome import Outcome
from bnconform.contract.versions import installed

OPSET = 15
cv2.setNumThreads(1)


def run(case: Case) -> Outcome:
    """Runs the network on the case."""
    if case.mode != "infer":
        raise Unsupported("inference only")
    serialized = _onnx.model(case, OPSET).SerializeToString()
    network = cv2.dnn.readNetFromONNX(np.frombuffer(serialized, np.uint8))
    network.setInput(np.ascontiguousarray(_onnx.channels_second(case)), "x")
    return _onnx.outcome(case, [network.forward()])


IMPLEMENTATIONS = [
    Implementation(
        name="opencv.dnn.BatchNorm",
        run=run,
        dialect=_onnx.dialect(OPSET, links={}),
        dtypes={"float32"},
        version=cv2.__version__,
        versions=installed("opencv-python-headless", "opencv-python", "onnx"),
        settings=_onnx.INFERENCE_SETTINGS,
        features=DEFAULT_EPS,
    )
]
