"""PyTorch by way of ONNX: torch.nn.BatchNorm exported by torch.onnx.export, the old exporter and the new, and run by
ONNX Runtime.

Rules: those of `_torch`. A module is in the mode of the case when it is exported, as torch.onnx.export asks for since
its argument `training` is deprecated; the old exporter is told TrainingMode.PRESERVE, and folds no constants, so that
it takes the module as it is. A model is exported once for a shape and its settings, which costs the new exporter
seconds, and gets the weights and averages of each case. Only y comes back: neither exporter makes the averages outputs
of the graph, which is theirs to say and not ours.
"""

from __future__ import annotations

import io
import logging
import warnings
from functools import partial
from typing import Any

import numpy as np
import onnx
import onnxruntime
import torch
import torch.onnx
from onnx import numpy_helper

from bnconform.adapters._torch import DIALECT, implementation, to_tensor
from bnconform.adapters._torch_modules import normalization_of
from bnconform.contract.case import Case
from bnconform.contract.dialect import Dialect
from bnconform.contract.outcome import Outcome
from bnconform.contract.versions import installed

logging.getLogger("torch.onnx").setLevel(logging.CRITICAL)
KEPT = 200
_models: dict[Any, bytes] = {}
OPTIONS = onnxruntime.SessionOptions()
OPTIONS.intra_op_num_threads = 1
OPTIONS.log_severity_level = 4


def run(case: Case, dynamo: bool) -> Outcome:
    """Runs the exported module. dynamo: by the exporter that torch.export stands behind."""
    x = to_tensor(case.x).movedim(case.axis, 1)
    module = normalization_of(case)
    model = onnx.load_from_string(_exported(case, module, x, dynamo))
    for one in model.graph.initializer:  # those of an earlier case of this shape and these settings
        if one.name in (state := module.state_dict()):
            one.CopyFrom(numpy_helper.from_array(state[one.name].numpy(), one.name))
    session = onnxruntime.InferenceSession(model.SerializeToString(), OPTIONS)
    (name,) = [one.name for one in session.get_inputs()]
    y = session.run(None, {name: np.ascontiguousarray(x.numpy())})[0]
    return Outcome(y=np.moveaxis(y, 1, case.axis))


def _exported(case: Case, module: Any, x: torch.Tensor, dynamo: bool) -> bytes:
    """Returns the model of the module, from the first time that one of this shape and these settings was exported."""
    absent = (case.gamma is None and case.beta is None, case.running_mean is None)
    key = (dynamo, case.mode, tuple(x.shape), case.eps, case.momentum, absent)
    if key not in _models:
        if len(_models) >= KEPT:
            _models.clear()
        _models[key] = _export(module, x, dynamo)
    return _models[key]


def _export(module: Any, x: torch.Tensor, dynamo: bool) -> bytes:
    with warnings.catch_warnings():  # that the old exporter is deprecated, and that a layer is in training
        warnings.simplefilter("ignore")
        if dynamo:
            program: Any = torch.onnx.export(module, (x,), dynamo=True, verbose=False)
            return bytes(program.model_proto.SerializeToString())
        file = io.BytesIO()
        mode = torch.onnx.TrainingMode.PRESERVE
        torch.onnx.export(module, (x,), file, dynamo=False, training=mode, do_constant_folding=False)
        return file.getvalue()


SINGLE = Dialect(single_value="raises", links={"single_value": DIALECT.links["single_value"]})
"""The module itself refuses a single value, before it is exported."""
IMPLEMENTATIONS = [
    implementation(
        f"torch.onnx.export:{name}@onnxruntime",
        partial(run, dynamo=dynamo),
        dialect=SINGLE,
        dtypes={"float32"},
        devices={"cpu"},
        compiled=True,
        opt_in=True,
        features=frozenset(),
        versions=installed("torch", "onnx", "onnxscript", "onnxruntime"),
    )
    for name, dynamo in (("torchscript", False), ("dynamo", True))
]
