"""What every output of a Case should be, with its bound, by the names of an Outcome's fields.

Rules: the reference and the bounds and nothing of its own, but for the running statistics in inference, which stay as
they were given; the running variance is the one that the Dialect declares.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple

import numpy as np

from bnconform.contract.case import Case
from bnconform.contract.dialect import Dialect
from bnconform.contract.outcome import OUTPUTS
from bnconform.oracle import bounds, reference
from bnconform.oracle.bounds import Bound
from bnconform.oracle.reference.reductions import Array

RUNNING = ("running_mean", "running_var")
ASKED_BY = {
    "dx": "dy", "dgamma": "dy", "dbeta": "dy",
    "dot_y": "dot_x",
    "folded_weight": "layer", "folded_bias": "layer",
    "grad_x": "bar_dx", "grad_gamma": "bar_dx", "grad_dy": "bar_dx",
}  # fmt: skip
"""Output and the field of a Case that asks for it, of the outputs that the formulas of the faults give as well."""


class Expected(NamedTuple):
    """One output: its name, its value and its bound."""

    name: str
    value: Array
    within: Bound


def expected(case: Case, dialect: Dialect, name: str) -> tuple[Array, Bound]:
    """Returns what an output should be, and its bound, which is 0 for a running statistic in inference."""
    if name in RUNNING and case.mode == "infer":
        value = _given(case, name)
        return value, Bound(np.zeros_like(value), np.ones_like(value))
    of: Callable[..., Array] = getattr(reference, _known(name))
    value = of(case, correction(dialect)) if name == "running_var" else of(case)
    return value, bound_of(case, dialect, name)


def bound_of(case: Case, dialect: Dialect, name: str) -> Bound:
    """Returns the bound of an output that is computed; a running statistic is computed as in a training step."""
    bound: Callable[..., Bound] = getattr(bounds, _known(name))
    if name == "running_var":
        return bound(case, dialect, correction=correction(dialect))
    return bound(case, dialect)


def outputs(case: Case, dialect: Dialect) -> Iterator[Expected]:
    """Yields y, the running statistics and the derivatives that the Case asks for, one after the other.

    Those are the outputs that the formulas of the faults know. `expected` knows the others, too.
    """
    kept = RUNNING if case.running_mean is not None and case.running_var is not None else ()
    derivatives = [name for name, asks in ASKED_BY.items() if getattr(case, asks) is not None]
    for name in ("y", *kept, *derivatives):
        yield Expected(name, *expected(case, dialect, name))


def correction(dialect: Dialect) -> int:
    """Returns what the count of the values is lessened by in the running variance that the Dialect declares."""
    return 1 if dialect.running_var == "unbiased" else 0


def _known(name: str) -> str:
    if name not in OUTPUTS:
        raise ValueError(f"{name!r} is no output; expected one of {', '.join(OUTPUTS)}")
    return name


def _given(case: Case, name: str) -> Array:
    """Returns a running statistic that the Case gives, as float64."""
    array: np.ndarray | None = getattr(case, name)
    if array is None:
        raise ValueError(f"Case.{name} is None; the quantity asked for depends on it")
    return array.astype(np.float64)
