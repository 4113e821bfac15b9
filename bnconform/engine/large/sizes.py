"""Outputs of large cases, compared on all their elements by the few rows that differ.

Rules: what is compared and what it is compared with are the same, to the last element, as in an ordinary comparison;
only the bound is sharper, as most summands are zero. Where something is wrong, or a case is small, the comparison is
the ordinary one of whole arrays, so that it names the element.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

import numpy as np

from bnconform.contract.case import Case
from bnconform.contract.dialect import Dialect
from bnconform.engine.agreement import Agreement, agree, not_offered
from bnconform.engine.spec import Subject
from bnconform.engine.weakness import unless_weak
from bnconform.oracle import distinct
from bnconform.oracle.bounds import Bound

SMALL = 4096
"""A case of no more values is compared by the ordinary bounds."""


def outputs(bn: Subject, case: Case, *names: str) -> Iterable[Agreement]:
    """Yields the comparison of each of these outputs with what it should be."""
    for name in names:
        yield _output(bn, case, name)


def _output(bn: Subject, case: Case, name: str) -> Agreement:
    found: np.ndarray | None = getattr(bn(case), name)
    if found is None:
        return not_offered(name)
    if case.x.size <= SMALL or not distinct.is_sparse(case):
        return bn.agrees(case, name)
    actual: np.ndarray = found
    compare = _summed if name in distinct.SUMMED else _elementwise
    return unless_weak(lambda dialect: compare(actual, case, dialect, name), bn.dialect)


def _summed(actual: np.ndarray, case: Case, dialect: Dialect, name: str) -> Agreement:
    value, within = distinct.expected_by_rows(case, dialect, name)
    return agree(actual, value, within=within, output=name)


def _elementwise(actual: np.ndarray, case: Case, dialect: Dialect, name: str) -> Agreement:
    value, within = distinct.expected_by_rows(case, dialect, name)
    low, high = distinct.by_rows(case, actual)
    ends = (low,) if low is high else (low, high)
    found = max((agree(rows, value, within=within, quantity=name) for rows in ends), key=lambda one: one.ratio)
    if found.ratio > 1:
        allowance, scale = (distinct.whole(case, rows) for rows in (within.allowance, within.scale))
        return agree(actual, distinct.whole(case, value), within=Bound(allowance, scale, within.u), output=name)
    counts = distinct.counts(case)
    finite, claims = (int((counts * where).sum()) for where in (within.is_finite, within.claims))
    return replace(found, quantity=name, output=name, total=actual.size, compared=finite, claimed=claims, index=None)
