"""A layer of a batch that is shared out over replicas, as a data-parallel program computes it: local sums, then theirs.

Rules: every step is rounded to the dtype of x; a replica sees its own values, and of the others what `_Replicas` hands
on; a Habit says how that is put together, rightly or wrongly; nothing here is imported from bnconform but the contract.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Literal

import numpy as np

from bnconform import Case, Dialect, Implementation, Outcome, Unsupported
from bnconform.contract.axes import to_rows
from bnconform.contract.shards import EMPTY, EQUAL, UNEQUAL, batch_axis, parts
from worlds.miniatures import DTYPES, in_order

Array = np.ndarray


@dataclass(frozen=True, kw_only=True)
class Habits:
    """How replicas put their statistics together.

    variance: of all deviations, of squares, or merged from the replicas' own by Chan. weighs: a mean over replicas
    counts their values. within: the variance leaves out that of the replicas' means. alone: each replica keeps to its
    own values; under_masks: only where there is a mask. gradients_alone: each sends gradients back to itself alone.
    parameters: whose gradients of γ and β are returned, or their mean. averages: whose statistics are averaged, or
    count: whose number of values is in m/(m - 1). no_values: what a replica without values has for a mean.
    """

    variance: Literal["two-pass", "one-pass", "merged"] = "two-pass"
    weighs: bool = True
    within: bool = False
    alone: bool = False
    under_masks: bool = False
    gradients_alone: bool = False
    parameters: Literal["all", "first", "mean"] = "all"
    averages: Literal["all", "first"] = "all"
    count: Literal["all", "first"] = "all"
    no_values: float | None = None


class _Replicas:
    """The values of all replicas, and the sums and means of what each has."""

    def __init__(self, habits: Habits, case: Case) -> None:
        self.habits, self.one = habits, case.x.dtype.type
        self.shards = case.shards or (case.examples,)
        mask = np.ones(case.x.shape, bool) if case.mask is None else np.broadcast_to(case.mask, case.x.shape)
        self.shown = [rows[:, :1] for rows in self.cut(mask, case.axis)]
        self.counts = [int(shown.sum()) for shown in self.shown]

    def cut(self, tensor: Array, axis: int) -> list[Array]:
        return [to_rows(part, axis) for part in parts(tensor, self.shards, axis)]

    def sums(self, values: list[Array]) -> list[Array]:
        """Returns the sum of each replica's shown values."""
        return [
            in_order(np.where(m, t, self.one(0))) if len(t) else t.sum(0)
            for t, m in zip(values, self.shown, strict=True)
        ]

    def total(self, values: list[Array]) -> Array:
        return in_order(np.array(self.sums(values)))

    def own(self, values: list[Array]) -> list[Array]:
        """Returns the mean of each replica's shown values, whatever that is of none."""
        empty = self.one(np.nan if self.habits.no_values is None else self.habits.no_values)
        return [
            s / self.one(n) if n else s * self.one(0) + empty
            for s, n in zip(self.sums(values), self.counts, strict=True)
        ]

    def mean(self, values: list[Array]) -> Array:
        """Returns the mean over all replicas."""
        if self.habits.weighs:
            return self.total(values) / self.one(sum(self.counts))
        counted = [n > 0 or self.habits.no_values is not None for n in self.counts]
        means = [mean for mean, counts in zip(self.own(values), counted, strict=True) if counts]
        return in_order(np.array(means)) / self.one(len(means))


def _statistics(all_of: _Replicas, xs: list[Array], *, alone: bool) -> list[tuple[Array, Array]]:
    """Returns the mean and the variance that each replica normalizes by."""
    own = all_of.own(xs)
    if alone:
        return [(mean, (np.where(m, (x - mean) ** 2, 0).sum(0) / all_of.one(max(n, 1))).astype(x.dtype))
                for x, mean, m, n in zip(xs, own, all_of.shown, all_of.counts, strict=True)]  # fmt: skip
    mean = all_of.mean(xs)
    if all_of.habits.variance == "one-pass":
        variance = np.maximum(all_of.mean([x * x for x in xs]) - mean * mean, all_of.one(0))
    elif all_of.habits.within or all_of.habits.variance == "merged":
        variance = all_of.mean([(x - centre) ** 2 for x, centre in zip(xs, own, strict=True)])
        if not all_of.habits.within:
            apart = [all_of.one(n) * (c - mean) ** 2 for c, n in zip(own, all_of.counts, strict=True) if n]
            variance = variance + in_order(np.array(apart)) / all_of.one(sum(all_of.counts))
    else:
        variance = all_of.mean([(x - mean) ** 2 for x in xs])
    return [(mean, variance)] * len(xs)


def run(habits: Habits, case: Case) -> Outcome:
    """Runs one training step."""
    if case.mode != "train":
        raise Unsupported("training only")
    with np.errstate(all="ignore"):
        return _run(habits, case)


def _run(habits: Habits, case: Case) -> Outcome:
    all_of = _Replicas(habits, case)
    one, xs = all_of.one, all_of.cut(case.x, case.axis)
    gamma = np.ones(case.channels, case.x.dtype) if case.gamma is None else case.gamma
    beta = np.zeros(case.channels, case.x.dtype) if case.beta is None else case.beta
    alone = habits.alone or (habits.under_masks and case.mask is not None)
    statistics = _statistics(all_of, xs, alone=alone)
    r = [one(1) / np.sqrt(variance + one(case.eps)) for _, variance in statistics]
    h = [(x - mean) * inverse for x, (mean, _), inverse in zip(xs, statistics, r, strict=True)]
    found: dict[str, Array] = {"y": _whole(all_of, case, [gamma * each + beta for each in h])}
    if case.running_mean is not None and case.running_var is not None:
        first = next(place for place, n in enumerate(all_of.counts) if n)
        mean, variance = statistics[first]
        if habits.averages == "first":
            mean, variance = _statistics(all_of, xs, alone=True)[first]
        count = all_of.counts[first] if habits.count == "first" or alone else sum(all_of.counts)
        new, old = one(case.momentum), one(1 - case.momentum)
        unbiased = one(count) / one(max(count - 1, 1))
        found["running_mean"] = old * case.running_mean + new * mean
        found["running_var"] = old * case.running_var + new * (variance * unbiased)
    if case.dy is not None:
        found |= _gradients(all_of, case, gamma, r, h, alone=alone or habits.gradients_alone)
    return Outcome(**{name: np.ascontiguousarray(value.astype(case.x.dtype)) for name, value in found.items()})


def _gradients(
    all_of: _Replicas, case: Case, gamma: Array, r: list[Array], h: list[Array], *, alone: bool
) -> dict[str, Array]:
    g = all_of.cut(np.asarray(case.dy), case.axis)
    products = [a * b for a, b in zip(g, h, strict=True)]
    many = len(g)
    of_g, of_products = (
        (all_of.own(g), all_of.own(products)) if alone else ([all_of.mean(g)] * many, [all_of.mean(products)] * many)
    )
    dx = [gamma * s * (a - b - c * d) for a, b, c, d, s in zip(g, of_g, h, of_products, r, strict=True)]
    kept = {"all": slice(None), "first": slice(1), "mean": slice(None)}[all_of.habits.parameters]
    share = all_of.one(many if all_of.habits.parameters == "mean" else 1)
    sums = {"dgamma": all_of.sums(products), "dbeta": all_of.sums(g)}
    found = {name: in_order(np.array(values[kept])) / share for name, values in sums.items()}
    return {"dx": _whole(all_of, case, dx), **found}


def _whole(all_of: _Replicas, case: Case, rows: list[Array]) -> Array:
    """Returns the parts put together again."""
    axis, first = case.axis % case.x.ndim, batch_axis(case.x.ndim, case.axis)
    shape = [size for place, size in enumerate(case.x.shape) if place != axis]  # the examples' extent first
    tensors = []
    for part, size in zip(rows, all_of.shards, strict=True):
        shape[0] = size
        tensors.append(np.moveaxis(part.reshape([*shape, case.channels]), -1, axis))
    return np.concatenate(tensors, first)


def replicated(habits: Habits, *features: str) -> Implementation:
    """Returns the implementation with these habits, and with every feature of shards where none is named."""
    return Implementation(
        name="bn.norm",
        run=partial(run, habits),
        dialect=Dialect(variance="one-pass" if habits.variance == "one-pass" else "two-pass"),
        dtypes=DTYPES,
        features=frozenset(features or (EQUAL, UNEQUAL, EMPTY, "mask")),
    )
