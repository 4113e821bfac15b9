"""The right value of every output of a Case with its bound, for comparisons of all outputs at once.

Rules: the reference and the bounds, by the names of an Outcome's fields, and nothing of its own; only outputs that the
Case asks for are there.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple

import numpy as np

from bnconform.contract.case import PER_CHANNEL, Case
from bnconform.contract.dialect import Dialect
from bnconform.oracle import bounds, reference
from bnconform.oracle.bounds import Bound
from bnconform.oracle.reference.reductions import Array


class Expected(NamedTuple):
    """One output: its name, its value and its bound."""

    name: str
    value: Array
    within: Bound


_DERIVED: dict[str, tuple[str, Callable[[Case], Array], Callable[..., Bound]]] = {
    "dx": ("dy", reference.dx, bounds.dx),
    "dgamma": ("dy", reference.dgamma, bounds.dgamma),
    "dbeta": ("dy", reference.dbeta, bounds.dbeta),
    "dot_y": ("dot_x", reference.dot_y, bounds.dot_y),
    "grad_x": ("bar_dx", reference.grad_x, bounds.grad_x),
    "grad_gamma": ("bar_dx", reference.grad_gamma, bounds.grad_gamma),
    "grad_dy": ("bar_dx", reference.grad_dy, bounds.grad_dy),
}
"""Output, the field of a Case that asks for it, reference and bound."""


def expected(case: Case, dialect: Dialect) -> Iterator[Expected]:
    """Yields the outputs that the Case asks for, one after the other."""
    if case.mode == "train":
        yield Expected("y", reference.normalize(case), bounds.normalize(case, dialect))
    else:
        yield Expected("y", reference.infer(case), bounds.infer(case, dialect))
    if case.running_mean is not None and case.running_var is not None:
        yield from _averages(case, dialect)
    for name, (asks, of, bound) in _DERIVED.items():
        if getattr(case, asks) is not None:
            yield Expected(name, of(case), bound(case, dialect))


def _averages(case: Case, dialect: Dialect) -> Iterator[Expected]:
    """Yields the running statistics after the call: in inference those that were given, to the bit."""
    if case.mode == "infer":
        for name in PER_CHANNEL[2:]:
            value = getattr(case, name).astype(np.float64)
            yield Expected(name, value, Bound(np.zeros_like(value), np.ones_like(value)))
        return
    biased = dialect.running_var == "biased"
    yield Expected("running_mean", reference.running_mean(case), bounds.running_mean(case, dialect))
    correction = 0 if biased else 1
    bound = bounds.running_var(case, dialect, correction=correction)
    yield Expected("running_var", reference.running_var(case, correction), bound)
