"""ncnn: the layer BatchNorm of a network of one layer.

Rules: ncnn has no axis for examples, so the network runs on one after the other, with the channels on their first
axis. The network is read for each case, 0.1 ms where a run takes 0.02 ms. The layer takes all four vectors: ones and
zeros stand for an absent gamma and beta. Its input is cloned, as an input that NumPy owns ends the process:
https://github.com/Tencent/ncnn/issues/1543.
"""

from __future__ import annotations

from typing import Any

import ncnn
import numpy as np

from bnconform.adapters._arrays import DEFAULT_EPS, given, parameters
from bnconform.contract.case import Case
from bnconform.contract.errors import Unsupported
from bnconform.contract.implementation import Implementation
from bnconform.contract.outcome import Outcome
from bnconform.contract.settings import Argument, Settings

LAYERS = """7767517
2 2
Input in 0 1 x
BatchNorm layer 1 1 x y {settings}
"""


def network(case: Case) -> Any:
    """Returns the ncnn.Net of `case`."""
    params = parameters(case, np.dtype(np.float32))
    gamma = np.ones(case.channels, np.float32) if params.gamma is None else params.gamma
    beta = np.zeros(case.channels, np.float32) if params.beta is None else params.beta
    net = ncnn.Net()
    net.opt.num_threads = 1
    settings = {"0": case.channels, **given(case, {"1": float(case.eps)})}
    _check(net.load_param_mem(LAYERS.format(settings=" ".join(f"{n}={value!r}" for n, value in settings.items()))))
    vectors = (gamma, params.running_mean, params.running_var, beta)
    net.load_model_mem(b"".join(np.asarray(vector).tobytes() for vector in vectors))
    return net


def _check(status: int) -> None:
    if status != 0:
        raise RuntimeError(f"ncnn returned the status {status}")


def _infer(net: Any, example: np.ndarray) -> np.ndarray:
    extractor = net.create_extractor()
    x = np.ascontiguousarray(example)  # a Mat reads the memory of its array, and does not keep it alive
    _check(extractor.input("x", ncnn.Mat(x).clone()))
    status, y = extractor.extract("y")
    _check(status)
    return np.array(y)


def run(case: Case) -> Outcome:
    """Runs the network on the examples of the case."""
    if case.mode != "infer":
        raise Unsupported("inference only")
    net, examples = network(case), np.moveaxis(case.x, case.axis, 1)
    y = np.stack([_infer(net, example) for example in examples])
    return Outcome(y=np.moveaxis(y, 1, case.axis))


DOCUMENTATION = "https://github.com/Tencent/ncnn/blob/master/docs/developer-guide/operators.md#batchnorm"
SETTINGS = Settings(call="BatchNorm", eps=Argument("eps", "0.0", DOCUMENTATION), offers=("inference", "affine"))

IMPLEMENTATIONS = [
    Implementation(
        name="ncnn.BatchNorm",
        run=run,
        dtypes={"float32"},
        version=ncnn.__version__,
        settings=SETTINGS,
        features=DEFAULT_EPS,
    )
]
