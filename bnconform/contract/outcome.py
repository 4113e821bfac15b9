"""An Outcome is the arrays that an implementation computed for a Case, and the check that they fit it.

Rules: values are frozen; fields are the public contract and only grow, each new one with a default.
"""

from __future__ import annotations

from dataclasses import dataclass, fields, replace

import numpy as np

from bnconform.contract.case import Case
from bnconform.contract.checks import State, check_state, describe
from bnconform.contract.dtypes import dtype_name
from bnconform.contract.errors import ContractError


@dataclass(frozen=True, kw_only=True, eq=False)
class Outcome:
    """The arrays that an implementation computed for a Case; None stands for an output that is not offered.

    y, dx, dot_y, grad_x, grad_dy and third_x have the shape and dtype of x; the others have shape (C,) and a floating
    dtype at least as wide as x's, and are judged as of γ's where that is wider than x. grad_x, grad_gamma, grad_dy:
    gradients of <bar_dx, dx> + <bar_dgamma, dgamma> + <bar_dbeta, dbeta>. batch_mean, batch_var: statistics of the
    batch, the variance biased, where they are returned as outputs. drunning_mean, drunning_var: gradients of the
    running statistics in inference. third_x: the gradient in x of <bar_grad_x, grad_x>.
    state: all that a Case with a state needs to go on from here; running_mean and running_var are then the statistics
    that inference would use. folded_weight, of x's shape and dtype, and folded_bias: those of the one layer that does
    the work of the case's layer and of the normalization behind it.
    """

    y: np.ndarray | None = None
    running_mean: np.ndarray | None = None
    running_var: np.ndarray | None = None
    dx: np.ndarray | None = None
    dgamma: np.ndarray | None = None
    dbeta: np.ndarray | None = None
    dot_y: np.ndarray | None = None
    grad_x: np.ndarray | None = None
    grad_gamma: np.ndarray | None = None
    grad_dy: np.ndarray | None = None
    batch_mean: np.ndarray | None = None
    batch_var: np.ndarray | None = None
    drunning_mean: np.ndarray | None = None
    drunning_var: np.ndarray | None = None
    third_x: np.ndarray | None = None
    folded_weight: np.ndarray | None = None
    folded_bias: np.ndarray | None = None
    state: State | None = None


OUTPUTS = tuple(field.name for field in fields(Outcome) if field.name != "state")
"""The arrays of an Outcome; a state is none, and nothing is claimed of its contents."""


ELEMENTWISE = ("y", "dx", "dot_y", "grad_x", "grad_dy", "third_x", "folded_weight")


_WIDTH = {"float16": 2, "bfloat16": 2, "float32": 4, "float64": 8}


def most_bytes(case: Case) -> int:
    """Returns the bytes that an answer to `case` may have as a message: twice what all outputs can hold, eight times
    the state that it goes on from, and 1 MiB for texts and for the state of a new layer."""
    per_channel = (len(OUTPUTS) - len(ELEMENTWISE)) * case.channels * max(_WIDTH.values())
    outputs = len(ELEMENTWISE) * case.x.nbytes + per_channel
    state: int = sum(array.nbytes for array in (case.state or {}).values())
    return 2 * outputs + 8 * state + (1 << 20)


def check_outcome(case: Case, outcome: object, culprit: str) -> Outcome:
    """Returns `outcome` if it fits `case`, without a state that nobody asked for; otherwise raises ContractError with
    culprit, value got and value expected."""
    if not isinstance(outcome, Outcome):
        raise ContractError(f"{culprit} returned {describe(outcome)}; expected a bnconform.Outcome")
    for name in OUTPUTS:
        array = getattr(outcome, name)
        if array is not None:
            _check_output(case, name, array, culprit)
    if outcome.state is not None and case.state is None:
        return replace(outcome, state=None)
    if outcome.state is not None:
        check_state(outcome.state, f"the state that {culprit} returned")
    return outcome


def _check_output(case: Case, name: str, array: object, culprit: str) -> None:
    shape = case.x.shape if name in ELEMENTWISE else (case.channels,)
    if not isinstance(array, np.ndarray):
        raise ContractError(
            f"{culprit} returned {name} as {describe(array)}; expected a numpy.ndarray of shape {shape}"
        )
    if array.shape != shape and case.malformed is None:
        raise ContractError(f"{culprit} returned {name} of shape {array.shape}; expected {shape}")
    got = dtype_name(array.dtype)
    width = _WIDTH.get(got, 0)
    if name in ELEMENTWISE and got != case.dtype:
        raise ContractError(f"{culprit} returned {name} of dtype {got}; expected {case.dtype}, the dtype of x")
    if got != case.dtype and width <= _WIDTH.get(case.dtype, 8):
        raise ContractError(f"{culprit} returned {name} of dtype {got}; expected {case.dtype} or a wider float")
