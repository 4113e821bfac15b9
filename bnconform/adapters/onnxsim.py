"""onnxsim as a folder: `onnxsim.simplify`, with the passes that it runs by default.

Rules: those of `_onnx_folding`.
"""

from __future__ import annotations

import onnxsim

from bnconform.adapters import _onnx_folding
from bnconform.contract.case import Case
from bnconform.contract.outcome import Outcome


def run(case: Case) -> Outcome:
    """Returns the layer that is left of the model."""
    return _onnx_folding.outcome(case, onnxsim.simplify(_onnx_folding.model(case))[0])


IMPLEMENTATIONS = [_onnx_folding.implementation("onnxsim.simplify", run, "onnxsim", "onnxruntime", opt_in=True)]
