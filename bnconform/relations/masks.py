"""Cases with a mask, made from a case, and the same cases without the hidden rows.

Rules: values are hidden by their place alone, never by their size, so that the shown ones stand in as random an order
as before; x has rank 2 or 3, as batches and sequences have, and the mask is one for all channels. The shown values are
judged by the reference and the bounds of the case without the hidden rows. A masked sum adds exact zeros in their
place, without rounding: it is a sum of the shown values alone, in some order and some bracketing, and the bounds hold
for every order; the count of the shown values is exact.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from bnconform.contract.axes import from_rows, to_rows
from bnconform.contract.case import Case
from bnconform.contract.memo import once
from bnconform.engine.agreement import Agreement, agree, not_asked, unless_declared
from bnconform.engine.spec import Subject
from bnconform.oracle import bounds, reference
from bnconform.oracle.bounds import Bound
from bnconform.oracle.expected import RUNNING, expected

RANKS = (2, 3)


@dataclass(frozen=True, kw_only=True, eq=False)
class Masked:
    """A case with its mask. `shown` says which rows the mask shows; `kept` is the case of those rows, of rank 2."""

    case: Case
    kept: Case
    shown: np.ndarray

    @property
    def tensor(self) -> np.ndarray:
        """The mask, of x's shape."""
        return np.broadcast_to(np.asarray(self.case.mask), self.case.x.shape)

    @property
    def hides(self) -> bool:
        """Whether anything is hidden."""
        return not bool(self.shown.all())

    def spread(self, rows: np.ndarray) -> np.ndarray:
        """Returns values of the shown rows as a tensor of x's shape, zero where it is hidden."""
        whole = np.zeros((self.shown.size, self.case.channels))
        whole[self.shown] = rows
        return from_rows(whole, self.case.x.shape, self.case.axis)

    def spread_bound(self, bound: Bound) -> Bound:
        """Returns the bound of the shown rows as that of a tensor of x's shape, without a claim where it is hidden."""
        allowance = np.where(self.tensor, self.spread(bound.allowance), np.inf)
        return Bound(allowance, self.spread(bound.scale), bound.u)


@once
def hiding_values(case: Case) -> Masked:
    """Returns the case with every third value of each channel hidden, the third, the sixth and so on."""
    extents = [1 if axis == case.axis % case.x.ndim else size for axis, size in enumerate(case.x.shape)]
    return under_mask(case, (np.arange(np.prod(extents)) % 3 != 2).reshape(extents))


@once
def hiding_examples(case: Case) -> Masked:
    """Returns the case with every other example hidden, by a mask of one value per example."""
    examples = np.arange(case.x.shape[0]) % 2 == 0
    return under_mask(case, examples.reshape([-1] + [1] * (case.x.ndim - 1)))


@once
def hiding_nothing(case: Case) -> Masked:
    """Returns the case with a mask that shows every value."""
    values = hiding_values(case)
    return under_mask(case, np.ones_like(np.asarray(values.case.mask)))


def hiding_everything(case: Case) -> Case:
    """Returns the case with a mask that hides every value."""
    values = hiding_values(case).case
    return replace(values, mask=np.zeros_like(np.asarray(values.mask)))


@once
def with_nan_hidden(case: Case) -> Case:
    """Returns the case of `hiding_values` with every hidden value not a number."""
    values = hiding_values(case)
    hidden = np.where(values.tensor, values.case.x, np.asarray(np.nan, case.x.dtype))
    return replace(values.case, x=hidden.astype(case.x.dtype))


def under_mask(case: Case, mask: np.ndarray) -> Masked:
    """Returns the case with `mask`, with γ and β where it has none, and with no cotangent where it is hidden."""
    one, zero = np.ones(case.channels).astype(case.x.dtype), np.zeros(case.channels).astype(case.x.dtype)
    tensor = np.broadcast_to(mask, case.x.shape)
    dy = None if case.dy is None else np.where(tensor, case.dy, case.x.dtype.type(0))
    gamma, beta = one if case.gamma is None else case.gamma, zero if case.beta is None else case.beta
    whole = replace(case, gamma=gamma, beta=beta, dy=dy, mask=mask)
    shown = to_rows(tensor, case.axis)[:, 0]
    kept = replace(
        whole,
        x=np.ascontiguousarray(to_rows(case.x, case.axis)[shown]),
        dy=None if dy is None else np.ascontiguousarray(to_rows(dy, case.axis)[shown]),
        axis=1,
        mask=None,
        shards=(),
    )
    return Masked(case=whole, kept=kept, shown=shown)


def shown_output(bn: Subject, asked: Case, masked: Masked, how: str) -> Agreement:
    """Compares y with that of the case of the shown rows alone, where the mask shows x."""
    right, within = masked.spread(reference.y(masked.kept)), masked.spread_bound(bounds.y(masked.kept, bn.dialect))
    return agree(bn(asked).y, right, within=within, output="y", quantity=f"y {how}", where=masked.tensor)


def shown_gradient(bn: Subject, masked: Masked, how: str, asked: Case | None = None) -> Agreement:
    """Compares dx with that of the case of the shown rows alone, where the mask shows x.

    asked: the case with other values where the mask hides them.
    """
    right, within = masked.spread(reference.dx(masked.kept)), masked.spread_bound(bounds.dx(masked.kept, bn.dialect))
    return agree(
        bn(asked or masked.case).dx, right, within=within, output="dx", quantity=f"dx {how}", where=masked.tensor
    )


def shown_average(bn: Subject, asked: Case, masked: Masked, how: str, name: str) -> Agreement:
    """Compares a running statistic with that of the case of the shown rows alone, as the Dialect declares it."""
    value, within = expected(masked.kept, bn.dialect, name)
    return agree(getattr(bn(asked), name), value, within=within, output=name, quantity=f"{name} {how}")


def shown_variance(bn: Subject, masked: Masked, how: str) -> Agreement:
    """Compares the running variance with the unbiased one of the shown rows, from which a Dialect may depart."""
    right, within = reference.running_var(masked.kept), bounds.running_var(masked.kept, bn.dialect)
    actual, quantity = bn(masked.case).running_var, f"running_var {how}"
    paper = agree(actual, right, within=within, output="running_var", quantity=quantity)
    if bn.dialect.running_var == "unbiased":
        return paper
    return unless_declared(paper, "running_var", shown_average(bn, masked.case, masked, how, "running_var"))


def shown_everything(bn: Subject, asked: Case, masked: Masked, how: str) -> list[Agreement]:
    """Compares y and the running statistics with those of the shown rows alone."""
    averages = [shown_average(bn, asked, masked, how, name) for name in RUNNING]
    return [shown_output(bn, asked, masked, how), *averages]


def beside_hidden_nan(bn: Subject, case: Case) -> list[Agreement]:
    """Compares y and the running statistics beside hidden NaN with those of the shown rows alone."""
    masked = hiding_values(case)
    if not masked.hides:
        return [not_asked("the mask hides none of so few values", quantity="y")]
    return shown_everything(bn, with_nan_hidden(case), masked, "beside hidden NaN")


def gradients_beside_hidden_nan(bn: Subject, case: Case) -> list[Agreement]:
    """Compares the gradients beside hidden NaN with those of the shown rows alone: dx where the mask shows x."""
    masked, asked, how = hiding_values(case), with_nan_hidden(case), "beside hidden NaN"
    if not masked.hides:
        return [not_asked("the mask hides none of so few values", quantity="dx")]
    found = [shown_gradient(bn, masked, how, asked)]
    for name in ("dgamma", "dbeta"):
        right, within = expected(masked.kept, bn.dialect, name)
        found.append(agree(getattr(bn(asked), name), right, within=within, output=name, quantity=f"{name} {how}"))
    return found
