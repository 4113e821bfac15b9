"""onnxslim as a folder: `onnxslim.slim`, with the optimizations that it makes by default.

Rules: those of `_onnx_folding`.
"""

from __future__ import annotations

import onnxslim

from bnconform.adapters import _onnx_folding
from bnconform.contract.case import Case
from bnconform.contract.outcome import Outcome


def run(case: Case) -> Outcome:
    """Returns the layer that is left of the model."""
    return _onnx_folding.outcome(case, onnxslim.slim(_onnx_folding.model(case)))


IMPLEMENTATIONS = [_onnx_folding.implementation("onnxslim.slim", run, "onnxslim")]
