"""The changes that every adapter makes to a Case before a framework sees it: to its arrays, to ε and to momentum.

Rules: types are widened exactly or not at all; a case that an implementation cannot express is Unsupported, with the
reason; no value is computed here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np

from bnconform.contract.case import Case
from bnconform.contract.errors import Unsupported
from bnconform.contract.memory import arranged
from bnconform.contract.outcome import Outcome

DEFAULT_EPS = frozenset({"default_eps"})
DEFAULTS = frozenset({"default_eps", "default_momentum"})
"""Features of an implementation whose ε, or ε and momentum, may be left out of the call."""


class Parameters(NamedTuple):
    """The per-channel arrays of a Case in the type that an implementation keeps them in."""

    gamma: np.ndarray | None
    beta: np.ndarray | None
    running_mean: np.ndarray | None
    running_var: np.ndarray | None


def at_least_float32(dtype: np.dtype) -> np.dtype:
    """Returns float32 for a 16-bit `dtype`, otherwise `dtype`: what mixed precision keeps parameters in."""
    return np.dtype(np.float32) if dtype.itemsize < 4 else dtype


def given_dtype(case: Case) -> np.dtype:
    """Returns the widest dtype of x, γ and β: that of all parameters of a case of mixed precision."""
    return max((one.dtype for one in (case.x, case.gamma, case.beta) if one is not None), key=lambda one: one.itemsize)


def parameters(case: Case, dtype: np.dtype, untracked: bool = False) -> Parameters:
    """Returns the per-channel arrays of `case` in `dtype`; those that are widened lie in memory as the case asks, too.

    Raises Unsupported if one does not fit into `dtype` exactly, if only one running statistic is given, or if inference
    has none. untracked: it may have none.
    """
    if (case.running_mean is None) != (case.running_var is None):
        raise Unsupported("running statistics come as a pair, mean and variance")
    if "untracked" in case.needs and not untracked:
        raise Unsupported("inference needs running statistics")
    widened = {name: _widened(getattr(case, name), dtype, name) for name in Parameters._fields}
    if case.memory != "plain" and case.x.dtype != dtype:
        widened = arranged(widened, case.memory, case.axis)
    return Parameters(**widened)


def by_state(params: Parameters, state: Mapping[str, np.ndarray], mean: str, variance: str) -> Parameters:
    """Returns `params` with the running statistics of a state, which holds them under these names."""
    return params._replace(running_mean=state[mean], running_var=state[variance])


def with_state(case: Case, outcome: Outcome, mean: str, variance: str) -> Outcome:
    """Returns `outcome` with its running statistics, under these names, as the state, if `case` has one.

    A new layer may keep narrower statistics than x: they go on as they are and are reported in x's type.
    """
    if case.state is None:
        return outcome
    found = {"running_mean": outcome.running_mean, "running_var": outcome.running_var}
    narrow = {n: array for n, array in found.items() if array is not None and array.dtype.itemsize < case.x.itemsize}
    wide = {name: array.astype(case.x.dtype) for name, array in narrow.items()}
    return replace(outcome, **wide, state={mean: outcome.running_mean, variance: outcome.running_var})


def _widened(array: np.ndarray | None, dtype: np.dtype, name: str) -> np.ndarray | None:
    if array is None or array.dtype == dtype:
        return array
    if array.dtype.itemsize >= dtype.itemsize:
        raise Unsupported(f"{name} is {array.dtype.name}, which {dtype.name} does not hold exactly")
    return array.astype(dtype)


def channels_first(case: Case) -> bool:
    """Returns whether the channels of `case` stand on axis 1 and not on the last one; raises Unsupported for others."""
    axis = case.axis % case.x.ndim
    if axis not in (1, case.x.ndim - 1):
        raise Unsupported(f"channels on axis {case.axis} of {case.x.ndim}; only axis 1 and the last one are offered")
    return axis == 1 and case.x.ndim > 2


def given(case: Case, eps: Mapping[str, Any], momentum: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """Returns the arguments that stand for ε and for the momentum, without those that the case leaves out."""
    return {**({} if case.default_eps else eps), **({} if case.default_momentum else momentum or {})}
