"""PaddlePaddle: `paddle.nn.functional.batch_norm` and the layers `paddle.nn.BatchNorm1D`, `2D` and `3D`, run eagerly.

Rules: Paddle's momentum weighs the old statistics, so it receives 1 - momentum. Channels stand on axis 1 or on the last
one, as its data_format says. No variant goes without running statistics: it updates zeros and ones, or a new layer's
own, and these are not reported. Arrays are read where they lie, but those of a foreign byte order are copied, as Paddle
refuses them. Second gradients of inference are those of training with use_global_stats, as the error that they raise
otherwise asks for.
"""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np

from bnconform.adapters._arrays import DEFAULTS, Parameters, channels_first, given, parameters, with_state
from bnconform.contract.case import Case
from bnconform.contract.dialect import Dialect
from bnconform.contract.errors import Unsupported
from bnconform.contract.implementation import Implementation
from bnconform.contract.outcome import Outcome
from bnconform.contract.settings import Argument, Settings
from bnconform.contract.versions import installed

with warnings.catch_warnings():  # of a cache for compilers, which nothing here needs
    warnings.filterwarnings("ignore", "No ccache found")
    import paddle
    from paddle.nn import functional

ON_CUDA = os.environ.get("BNCONFORM_DEVICE") == "cuda" and paddle.device.is_compiled_with_cuda()
paddle.set_device("gpu" if ON_CUDA else "cpu")
LAYERS = {2: paddle.nn.BatchNorm1D, 3: paddle.nn.BatchNorm1D, 4: paddle.nn.BatchNorm2D, 5: paddle.nn.BatchNorm3D}
FORMATS = {2: ("NC", "NC"), 3: ("NCL", "NLC"), 4: ("NCHW", "NHWC"), 5: ("NCDHW", "NDHWC")}
STATE = ("_mean", "_variance")
"""The variables that a layer keeps from one call to the next."""


def to_tensor(array: np.ndarray | None, gradient: bool = True) -> Any:
    """Returns a tensor with its own copy of `array`, as Paddle updates running statistics in place; None for None."""
    if array is None:
        return None
    native = array if array.dtype.isnative else array.astype(array.dtype.newbyteorder("="))
    return paddle.to_tensor(native, stop_gradient=not gradient)


def _data_format(case: Case) -> str:
    first, last = FORMATS[case.x.ndim]
    return first if channels_first(case) else last


def _modes(case: Case) -> dict[str, bool]:
    """Returns Paddle's two settings that choose the statistics to normalize by."""
    twice = case.mode == "infer" and "second_order" in case.needs
    return {"training": case.mode == "train" or twice} | ({"use_global_stats": True} if twice else {})


def _settings(case: Case) -> dict[str, float]:
    return given(case, {"epsilon": case.eps}, {"momentum": 1 - case.momentum})


def _outcome(case: Case, normalize: Callable[[Any], Any], params: Parameters) -> Outcome:
    """Returns normalize(x), the running statistics as it has updated them, dy pulled back and second gradients.

    params: the tensors that `normalize` uses.
    """
    x = to_tensor(case.x)
    found = {"y": normalize(x)}
    if case.running_mean is not None or case.state is not None:
        found |= {"running_mean": params.running_mean, "running_var": params.running_var}
    if case.dy is not None:
        dy = to_tensor(case.dy)
        inputs = {"dx": x, "dgamma": params.gamma, "dbeta": params.beta}
        found |= _pulled([found["y"]], [dy], inputs, "second_order" in case.needs)
        found |= _second(case, found, {"grad_x": x, "grad_gamma": params.gamma, "grad_dy": dy})
    return Outcome(**{name: tensor.numpy() for name, tensor in found.items() if tensor is not None})


def _second(case: Case, found: dict[str, Any], inputs: dict[str, Any]) -> dict[str, Any]:
    """Returns the case's cotangents of the gradients pulled back to the inputs; nothing without them."""
    bars = {"dx": case.bar_dx, "dgamma": case.bar_dgamma, "dbeta": case.bar_dbeta}
    pairs = [(found[name], to_tensor(bar)) for name, bar in bars.items() if bar is not None and name in found]
    if any(grad is None for grad, _ in pairs):
        raise Unsupported("gamma or beta alone gets no gradient that could be differentiated again")
    return _pulled([grad for grad, _ in pairs], [bar for _, bar in pairs], inputs) if pairs else {}


def _pulled(outputs: list[Any], cotangents: list[Any], inputs: dict[str, Any], again: bool = False) -> dict[str, Any]:
    """Returns the cotangents pulled back to the inputs that there are, by name; `again`: to be differentiated anew."""
    wanted = {name: tensor for name, tensor in inputs.items() if tensor is not None}
    grads = paddle.grad(outputs, list(wanted.values()), cotangents, create_graph=again, allow_unused=True)
    return dict(zip(wanted, grads, strict=True))


def run_functional(case: Case) -> Outcome:
    """Runs paddle.nn.functional.batch_norm."""
    arrays = parameters(case, case.x.dtype)
    zeros, ones = np.zeros(case.channels, case.x.dtype), np.ones(case.channels, case.x.dtype)
    mean, var = (zeros, ones) if arrays.running_mean is None else arrays[2:]
    gamma, beta = map(to_tensor, arrays[:2])
    params = Parameters(gamma, beta, to_tensor(mean, gradient=False), to_tensor(var, gradient=False))

    def normalize(x: Any) -> Any:
        return functional.batch_norm(
            x,
            *params[2:],
            *params[:2],
            **_modes(case),
            **_settings(case),
            data_format=_data_format(case),
        )

    return _outcome(case, normalize, params)


def run_layer(case: Case) -> Outcome:
    """Runs a new paddle.nn.BatchNorm1D, 2D or 3D, its variables set from the case."""
    arrays = parameters(case, case.x.dtype)
    if case.state:
        arrays = arrays._replace(running_mean=case.state[STATE[0]], running_var=case.state[STATE[1]])
    modes = _modes(case)
    paddle.set_default_dtype(case.dtype)
    layer = LAYERS[case.x.ndim](
        case.channels,
        **_settings(case),
        weight_attr=None if case.gamma is not None else False,
        bias_attr=None if case.beta is not None else False,
        data_format=_data_format(case),
        use_global_stats=modes.get("use_global_stats"),
    )
    layer.training = modes["training"]
    variables: list[Any] = [layer.weight, layer.bias, layer._mean, layer._variance]
    for tensor, array in zip(variables, arrays, strict=True):
        if array is not None:
            tensor.set_value(to_tensor(array))
    with warnings.catch_warnings():  # each training step of a layer warns that it tracks its statistics
        warnings.filterwarnings("ignore", "When training, we now always track")
        return with_state(case, _outcome(case, layer, Parameters(*variables)), *STATE)


DOCUMENTATION = "https://www.paddlepaddle.org.cn/documentation/docs/en/api/paddle/nn/BatchNorm1D_en.html"
SIGNATURE = "https://github.com/PaddlePaddle/Paddle/blob/v3.3.1/paddle/phi/infermeta/multiary.h#L250-L251"

CALL = "https://www.paddlepaddle.org.cn/documentation/docs/en/api/paddle/nn/functional/batch_norm_en.html"
FUNCTION_SETTINGS = Settings(
    call="paddle.nn.functional.batch_norm",
    eps=Argument("epsilon", "1e-05", CALL),
    momentum=Argument("momentum", "0.9", CALL),
    weighs="old",
    scale=Argument("weight", "None", CALL, on="weight", off="None"),
    shift=Argument("bias", "None", CALL, on="bias", off="None"),
    axis=Argument("data_format", "'NCHW'", CALL),
    layouts={"1": "'NC{s}'", "-1": "'N{s}C'"},
)
LAYER_SETTINGS = Settings(
    call="paddle.nn.BatchNorm{n}D",
    eps=Argument("epsilon", "1e-05", DOCUMENTATION),
    momentum=Argument("momentum", "0.9", DOCUMENTATION),
    weighs="old",
    scale=Argument("weight_attr", "None", DOCUMENTATION, on="None"),
    shift=Argument("bias_attr", "None", DOCUMENTATION, on="None"),
    axis=Argument("data_format", "'NCHW'", DOCUMENTATION),
    layouts={"1": "'NC{s}'", "-1": "'N{s}C'"},
)

IMPLEMENTATIONS = [
    Implementation(
        name=name,
        run=run,
        dialect=Dialect(
            running_var="biased",
            attribute_dtype="float32",
            links={"running_var": DOCUMENTATION, "attribute_dtype": SIGNATURE},
        ),
        dtypes={"float32", "float64"},
        version=paddle.__version__,
        versions=installed("paddlepaddle", "paddlepaddle-gpu"),
        settings=settings,
        devices={"cpu", "cuda"} if paddle.device.is_compiled_with_cuda() else {"cpu"},
        features={"memory", "second_order", *further} | DEFAULTS,
    )
    for name, run, further, settings in [
        ("paddle.nn.functional.batch_norm", run_functional, (), FUNCTION_SETTINGS),
        ("paddle.nn.BatchNorm", run_layer, ("state",), LAYER_SETTINGS),
    ]
]
