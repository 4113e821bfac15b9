"""Chainer: `chainer.functions.batch_normalization` with `fixed_batch_normalization`, and the link, also in fine-tuning.

Rules: Chainer's decay weighs the old statistics, so it receives 1 - momentum. The functions need a gamma and a beta and
keep x's type; the link's 16-bit type is chainer.mixed16, with parameters and statistics in float32. Arrays are handed
on however they lie in memory, but for a gamma or beta of foreign byte order, refused by a link beside a native one;
running statistics are copied, as they are updated in place. Fine-tuning counts its batches from 0, and a state holds
the count. Chainer ended with 7.8.1 and needs Python 3.11 or older and NumPy below 1.24; pip builds it only with
--no-build-isolation beside a setuptools that still has pkg_resources, so that it has no extra.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np

with warnings.catch_warnings():  # of parts of NumPy and setuptools that were to end
    warnings.simplefilter("ignore", DeprecationWarning)
    import chainer

from bnconform.adapters._arrays import DEFAULTS, Parameters, at_least_float32, by_state, given, parameters, with_state
from bnconform.contract.case import Case
from bnconform.contract.dialect import Dialect
from bnconform.contract.errors import Unsupported
from bnconform.contract.implementation import Implementation
from bnconform.contract.outcome import Outcome
from bnconform.contract.settings import Argument, Settings

STATE = ("avg_mean", "avg_var")
"""What a link keeps from one call to the next."""


def _others(case: Case) -> tuple[int, ...]:
    return tuple(axis for axis in range(case.x.ndim) if axis != case.axis % case.x.ndim)


def _variable(array: np.ndarray | None) -> Any:
    return None if array is None else chainer.Variable(array)


def _pulled(outputs: list[Any], cotangents: list[Any], inputs: dict[str, Any], again: bool = False) -> dict[str, Any]:
    """Returns the cotangents pulled back to the inputs that there are, by name; `again`: to be differentiated anew."""
    wanted = {name: variable for name, variable in inputs.items() if variable is not None}
    grads = chainer.grad(outputs, list(wanted.values()), cotangents, enable_double_backprop=again)
    return dict(zip(wanted, grads, strict=True))


def _outcome(case: Case, normalize: Callable[[Any], Any], params: Parameters) -> Outcome:
    """Returns normalize(x) and all derivatives that the case asks for.

    params: the variables that `normalize` uses, None for those without a gradient.
    """
    x, dy = _variable(case.x), _variable(case.dy)
    found = {"y": normalize(x)}
    if dy is not None:
        inputs = {"dx": x, "dgamma": params.gamma, "dbeta": params.beta}
        inputs |= {"drunning_mean": params.running_mean, "drunning_var": params.running_var}
        found |= _pulled([found["y"]], [dy], inputs, "second_order" in case.needs)
        found |= _further(case, found, {"grad_x": x, "grad_gamma": params.gamma, "grad_dy": dy})
    return Outcome(**{name: variable.array for name, variable in found.items() if variable is not None})


def _further(case: Case, found: dict[str, Any], inputs: dict[str, Any]) -> dict[str, Any]:
    """Returns the case's cotangents of the gradients pulled back to the inputs, and that of grad_x pulled back to x."""
    bars = {"dx": case.bar_dx, "dgamma": case.bar_dgamma, "dbeta": case.bar_dbeta}
    pairs = [(found[name], _variable(bar)) for name, bar in bars.items() if bar is not None and name in found]
    if not pairs:
        return {}
    grads, given = [grad for grad, _ in pairs], [bar for _, bar in pairs]
    seconds = _pulled(grads, given, inputs, case.bar_grad_x is not None)
    if case.bar_grad_x is not None:
        bar = _variable(case.bar_grad_x)
        seconds |= _pulled([seconds["grad_x"]], [bar], {"third_x": inputs["grad_x"]})
    return seconds


def _with_running(outcome: Outcome, case: Case, mean: np.ndarray | None, var: np.ndarray | None) -> Outcome:
    """Returns `outcome` with these running statistics, if the case has any."""
    if case.running_mean is None and case.state is None:
        return outcome
    return Outcome(**{**vars(outcome), "running_mean": mean, "running_var": var})


def run_function(case: Case) -> Outcome:
    """Runs chainer.functions.batch_normalization, in inference fixed_batch_normalization."""
    arrays = parameters(case, case.x.dtype)
    if arrays.gamma is None or arrays.beta is None:
        raise Unsupported("the functions need a gamma and a beta")
    gamma, beta, axis = _variable(arrays.gamma), _variable(arrays.beta), _others(case)
    mean, var = (None if array is None else array.copy() for array in arrays[2:])
    fixed = (None, None)
    if case.mode == "infer" and case.running_gradients:
        fixed = (_variable(mean), _variable(var))

    def normalize(x: Any) -> Any:
        eps = given(case, {"eps": case.eps})
        if case.mode == "infer":
            averages = (mean, var) if fixed[0] is None else fixed
            return chainer.functions.fixed_batch_normalization(x, gamma, beta, *averages, **eps, axis=axis)
        settings = {**given(case, {}, {"decay": 1 - case.momentum}), **eps, "axis": axis}
        return chainer.functions.batch_normalization(x, gamma, beta, running_mean=mean, running_var=var, **settings)

    return _with_running(_outcome(case, normalize, Parameters(gamma, beta, *fixed)), case, mean, var)


def _link(case: Case, arrays: Parameters) -> Any:
    """Returns a new link with the settings of the case, and its arrays where the case has them."""
    link = chainer.links.BatchNormalization(
        case.channels,
        **given(case, {"eps": case.eps}, {"decay": 1 - case.momentum}),
        dtype=chainer.mixed16 if case.dtype == "float16" else case.x.dtype,
        use_gamma=arrays.gamma is not None,
        use_beta=arrays.beta is not None,
        axis=_others(case),
    )
    for name, array in (("gamma", arrays.gamma), ("beta", arrays.beta)):
        if array is not None:
            native = array if array.dtype.isnative else array.astype(array.dtype.newbyteorder("="))
            getattr(link, name).array = native
    if arrays.running_mean is not None and arrays.running_var is not None:
        link.avg_mean, link.avg_var = arrays.running_mean.copy(), arrays.running_var.copy()
    return link


def run_link(case: Case, finetune: bool = False) -> Outcome:
    """Runs a new chainer.links.BatchNormalization, its variables set from the case."""
    arrays = parameters(case, at_least_float32(case.x.dtype))
    if case.state:
        arrays = by_state(arrays, case.state, *STATE)
    link = _link(case, arrays)
    if case.state and finetune:
        link.N = case.state["N"].item()
    with chainer.using_config("train", case.mode == "train"):
        found = _outcome(case, lambda x: link(x, finetune=finetune), Parameters(link.gamma, link.beta, None, None))
    found = with_state(case, _with_running(found, case, link.avg_mean, link.avg_var), *STATE)
    if found.state is None:
        return found
    return Outcome(**{**vars(found), "state": {**found.state, "N": np.asarray(link.N)}})


def run_finetune(case: Case) -> Outcome:
    """Runs the link in fine-tuning, whose averages weigh all batches alike."""
    if case.mode == "train" and case.running_mean is not None:
        raise Unsupported("a weight of the new statistics; fine-tuning weighs all batches alike")
    return run_link(case, finetune=True)


SOURCE = "https://github.com/chainer/chainer/blob/v7.8.1/chainer/"
SUMS = SOURCE + "functions/normalization/batch_normalization.py#L33-L38"
LINK = SOURCE + "links/normalization/batch_normalization.py"
MIXED = {"stats_dtype": SUMS, "params_dtype": LINK + "#L213-L214"}
WIDE: dict[str, Any] = dict.fromkeys(MIXED, "float32")
DOCUMENTATION = "https://docs.chainer.org/en/stable/reference/generated/chainer."
FUNCTION = DOCUMENTATION + "functions.batch_normalization.html"
FUNCTION_SETTINGS = Settings(
    call="chainer.functions.batch_normalization",
    eps=Argument("eps", "2e-05", FUNCTION),
    momentum=Argument("decay", "0.9", FUNCTION),
    weighs="old",
    axis=Argument("axis", "None", FUNCTION),
    reduced=True,
)
LINK_CLASS = DOCUMENTATION + "links.BatchNormalization.html"
LINK_SETTINGS = Settings(
    call="chainer.links.BatchNormalization",
    eps=Argument("eps", "2e-05", LINK_CLASS),
    momentum=Argument("decay", "0.9", LINK_CLASS),
    weighs="old",
    scale=Argument("use_gamma", "True", LINK_CLASS),
    shift=Argument("use_beta", "True", LINK_CLASS),
    axis=Argument("axis", "None", LINK_CLASS),
    reduced=True,
)

FEATURES = frozenset({"memory", "second_order", "third_order"})


def _implementation(name: str, run: Callable[[Case], Outcome], dialect: Dialect, **more: Any) -> Implementation:
    dtypes = {"float16", "float32", "float64"}
    return Implementation(name=name, run=run, dialect=dialect, dtypes=dtypes, version=chainer.__version__, **more)


IMPLEMENTATIONS = [
    _implementation(
        "chainer.functions.batch_normalization",
        run_function,
        Dialect(),
        features=FEATURES | {"running_gradients"} | DEFAULTS,
        settings=FUNCTION_SETTINGS,
    ),
    _implementation(
        "chainer.links.BatchNormalization",
        run_link,
        Dialect(**WIDE, links=MIXED),
        features=FEATURES | {"state"} | DEFAULTS,
        settings=LINK_SETTINGS,
    ),
    _implementation(
        "chainer.links.BatchNormalization:finetune",
        run_finetune,
        Dialect(**WIDE, average="cumulative", links={**MIXED, "average": LINK + "#L326-L328"}),
        features=frozenset({"state"}),
        opt_in=True,
    ),
]
