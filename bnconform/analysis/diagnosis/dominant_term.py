"""The dominant term of a bound: the source of rounding error with the largest share of it.

Rules: the bound is calculated once more without one source of error at a time; the difference is the share of that
source. Nothing is estimated, and no formula of the analysis stands here a second time.
"""

from __future__ import annotations

from dataclasses import replace
from functools import cached_property

import numpy as np

from bnconform.contract.axes import from_rows
from bnconform.contract.case import Case
from bnconform.contract.dialect import Dialect
from bnconform.contract.outcome import ELEMENTWISE
from bnconform.oracle.bounds import error_terms
from bnconform.oracle.bounds.error_terms import StatisticErrors
from bnconform.oracle.bounds.first_order import Allowance, ChannelErrors
from bnconform.oracle.expected import correction
from bnconform.oracle.reference.equations import Standardization
from bnconform.oracle.reference.reductions import Array

TAKEN_APART = ("y", "running_mean", "running_var", "dx", "dgamma", "dbeta")
"""The outputs whose bounds are taken apart."""
SOURCES = {
    "mean": "the error of the mean",
    "variance": "the error of the variance",
    "root": "the rounding of the reciprocal root",
    "products": "the rounding of products and differences",
    "cotangents": "the rounding of sums of cotangents",
    "output": "the rounding of the output",
}


class _Without(ChannelErrors):
    """The bounds of a Case without one source of error."""

    def __init__(self, case: Case, dialect: Dialect, source: str) -> None:
        super().__init__(case, dialect)
        self._source = source
        self._of_root = self.rounding if source != "root" else replace(self.rounding, u_e=0.0)
        if source == "products":
            self.rounding = replace(self.rounding, u_e=0.0, excess=0.0)
        rounded = {"output": ("output", "params", "running"), "cotangents": ("cotangents",)}.get(source, ())
        self.types = replace(self.types, **{name: replace(getattr(self.types, name), u=0.0) for name in rounded})

    @cached_property
    def batch(self) -> StatisticErrors:
        """Errors of standardizing by the batch; every term that the source enters is calculated anew."""
        whole = super().batch
        none = np.zeros(self.solution.channels)
        mean = none if self._source == "mean" else whole.mean
        variance = none if self._source == "variance" else whole.variance
        return self._standardized(self.solution.batch_values, mean, variance, self.nonnegative)

    @cached_property
    def population(self) -> StatisticErrors:
        """Errors of standardizing by the running statistics, which are exact."""
        none = np.zeros(self.solution.channels)
        return self._standardized(self.solution.population_values, none, none, nonnegative=False)

    def _standardized(
        self, stats: Standardization[Array], mean: Array, variance: Array, nonnegative: bool
    ) -> StatisticErrors:
        root = error_terms.error_of_root(self._of_root, stats, self.solution.eps, variance, nonnegative)
        return StatisticErrors(mean, variance, root, error_terms.error_of_h(self.rounding, stats, mean, root))


def dominating(case: Case, dialect: Dialect, output: str, index: tuple[int, ...]) -> tuple[str, float] | None:
    """Returns in words what most of an element's bound is for, and its share; None where bounds are not taken apart."""
    if output not in TAKEN_APART:
        return None
    with np.errstate(all="ignore"):
        whole = _allowance(ChannelErrors(case, dialect), case, dialect, output)[index]
        left = {source: _allowance(_Without(case, dialect, source), case, dialect, output)[index] for source in SOURCES}
        shares = {source: float(1.0 - rest / whole) for source, rest in left.items()}
    source = max(shares, key=lambda name: shares[name])
    return (SOURCES[source], shares[source]) if shares[source] > 0 else None


def _allowance(errors: ChannelErrors, case: Case, dialect: Dialect, output: str) -> Array:
    allowance, _, _ = _bounded(errors, dialect, output)
    return from_rows(allowance, case.x.shape, case.axis) if output in ELEMENTWISE else allowance


def _bounded(errors: ChannelErrors, dialect: Dialect, output: str) -> Allowance:
    if output == "running_var":
        return errors.running_var(correction(dialect))
    found: Allowance = getattr(errors, output)()
    return found
