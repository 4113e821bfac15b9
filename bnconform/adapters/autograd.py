"""HIPS autograd over the NumPy listing of a public tutorial on batch normalization: its gradients, made by autograd.

Rules: the function below is written from the listing, operation for operation, on `autograd.numpy`; what it does not
offer (inference, running statistics, more than two axes, an absent gamma or beta) is Unsupported or None. Arrays are
handed on however they lie in memory, and nothing is copied.
"""

from __future__ import annotations

from importlib.metadata import version
from typing import Any

import autograd.numpy as np
import numpy
from autograd import make_vjp
from autograd.differential_operators import make_jvp

from bnconform.contract.case import Case
from bnconform.contract.errors import Unsupported
from bnconform.contract.implementation import Implementation
from bnconform.contract.outcome import Outcome


def batchnorm(x: Any, gamma: Any, beta: Any, eps: float) -> Any:
    """Normalizes each column of x, as the listing does."""
    sample_mean = x.mean(axis=0)
    sample_var = x.var(axis=0)
    std = np.sqrt(sample_var + eps)
    x_centered = x - sample_mean
    x_norm = x_centered / std
    return gamma * x_norm + beta


def _like(array: Any, direction: numpy.ndarray | None) -> Any:
    return numpy.zeros_like(array) if direction is None else direction


def _differentiated(case: Case) -> dict[str, Any]:
    """Returns y and the derivatives that the case asks for."""
    inputs = (case.x, case.gamma, case.beta)

    def normalize(given: tuple[Any, ...]) -> Any:
        x, gamma, beta = given
        return batchnorm(x, gamma, beta, case.eps)

    def pull(given: tuple[Any, ...]) -> Any:
        return make_vjp(normalize)(given[:3])[0](given[3])

    def pull_twice(x: Any) -> Any:
        return make_vjp(lambda x: pull((x, *inputs[1:], case.dy))[0])(x)[0](case.bar_dx)

    pulled, y = make_vjp(normalize)(inputs)
    found = {"y": y}
    if case.dy is not None:
        found |= zip(("dx", "dgamma", "dbeta"), pulled(case.dy), strict=True)
    if "tangents" in case.needs:
        dots = tuple(map(_like, inputs, (case.dot_x, case.dot_gamma, case.dot_beta)))
        found["dot_y"] = make_jvp(normalize)(inputs)(dots)[1]
    if "second_order" in case.needs:
        bars = tuple(map(_like, inputs, (case.bar_dx, case.bar_dgamma, case.bar_dbeta)))
        seconds = make_vjp(pull)((*inputs, case.dy))[0](bars)
        found |= {"grad_x": seconds[0], "grad_gamma": seconds[1], "grad_dy": seconds[3]}
    if case.bar_grad_x is not None:
        found["third_x"] = make_vjp(pull_twice)(case.x)[0](case.bar_grad_x)
    return found


def run(case: Case) -> Outcome:
    """Runs the listing forward and autograd backward."""
    if case.mode != "train":
        raise Unsupported("the listing is of training only")
    if case.x.ndim != 2 or case.axis not in (1, -1):
        raise Unsupported("the listing takes matrices with one column per channel")
    if case.gamma is None or case.beta is None:
        raise Unsupported("the listing takes both gamma and beta")
    with numpy.errstate(all="ignore"):  # what overflows is judged by its value; it need not also warn
        found = _differentiated(case)
    wide = [name for name, array in found.items() if array.dtype != case.x.dtype]
    if wide:  # its gradient of a mean divides by an integer of NumPy, which float32 is not kept through
        raise Unsupported(f"{' and '.join(wide)} of {case.dtype} comes as {found[wide[0]].dtype.name}")
    return Outcome(**found)


IMPLEMENTATIONS = [
    Implementation(
        name="autograd.batchnorm_listing",
        run=run,
        dtypes={"float16", "float32", "float64"},
        ranks={2},
        version=version("autograd"),
        features={"memory", "tangents", "second_order", "third_order"},
    )
]
