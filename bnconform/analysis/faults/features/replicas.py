"""Faults of a batch that is shared out over replicas: each is right where a single replica has everything.

Rules: a replica's values are the rows of its examples; a replica without an example has no statistics, and takes part
in nothing but a mean over replicas that forgets to leave it out.
"""

from itertools import pairwise

import numpy as np

from bnconform.analysis.faults.calculation import Calculation, Number
from bnconform.analysis.faults.fault import Formulas, fault, together
from bnconform.analysis.faults.formulas import unbiasing
from bnconform.analysis.faults.shards import of_rows

Rows = tuple[int, int]
"""The first row of a replica, and the one behind its last."""


def replicas_of(c: Calculation) -> list[Rows]:
    """Returns the rows of each replica that has any."""
    each = c.m // sum(c.case.shards) if c.case.shards else c.m
    ends = np.cumsum([0, *(c.case.shards or (1,))]) * each
    return [(int(start), int(end)) for start, end in pairwise(ends) if end > start]


def _weights(c: Calculation, rows: Rows) -> Number:
    inside = (np.arange(c.m) >= rows[0]) & (np.arange(c.m) < rows[1])
    return c.numbers.lift(inside[:, None] + np.zeros((c.m, c.channels)))


def _each_in_its_rows(c: Calculation, values: list[Number]) -> Number:
    """Returns a quantity of each replica in the rows of that replica."""
    found = values[0]
    for (start, _), value in list(zip(replicas_of(c), values, strict=True))[1:]:
        found = c.numbers.choose((np.arange(c.m) >= start)[:, None], value, found)
    return found


def _mean_over_replicas(c: Calculation, t: Number) -> Number:
    """Returns the plain mean of the replicas' means of t, each of which counts alike, however few values it has."""
    means = [c.total(t * _weights(c, rows)) / float(rows[1] - rows[0]) for rows in replicas_of(c)]
    return sum(means[1:], means[0]) / float(len(means))


def _local_mean(c: Calculation, t: Number) -> Number:
    """Returns the mean of t over the values of each replica alone, in its rows."""
    means = [c.total(t * _weights(c, rows)) / float(rows[1] - rows[0]) for rows in replicas_of(c)]
    return _each_in_its_rows(c, means)


def _moment_of_replicas(c: Calculation, place: int) -> list[Number]:
    """Returns the means (0) or the variances (1) of the replicas, each of its own values."""
    return [of_rows(c, *rows)[place] for rows in replicas_of(c)]


@together()
def replicas_not_weighted_by_their_counts() -> Formulas:
    """Mean and mean square are plain means over the replicas, each of which counts alike, however few values it has."""
    return {
        "mean": lambda c: _mean_over_replicas(c, c.x),
        "variance": lambda c: _mean_over_replicas(c, (c.x - c.mean) * (c.x - c.mean)),
    }


@fault("variance")
def variance_within_replicas_only(c: Calculation) -> Number:
    """The variance is the mean of the replicas' variances, each about its own mean."""
    variances = zip(_moment_of_replicas(c, 1), replicas_of(c), strict=True)
    inside = [value * (end - start) for value, (start, end) in variances]
    return sum(inside[1:], inside[0]) / float(c.m)


@together()
def each_replica_normalized_alone() -> Formulas:
    """Each replica normalizes by its own statistics, gradients flow through these, the first averages its own."""
    return {
        "centre": lambda c: _each_in_its_rows(c, _moment_of_replicas(c, 0)) if c.training else c.rm,
        "variance_in_y": lambda c: _each_in_its_rows(c, _moment_of_replicas(c, 1)) if c.training else c.rv,
        "mean_term": lambda c: _local_mean(c, c.g),
        "variance_term": lambda c: c.h_back * _local_mean(c, c.g * c.h_back),
        "mean_averaged": lambda c: _moment_of_replicas(c, 0)[0],
        "variance_averaged": lambda c: _moment_of_replicas(c, 1)[0] * c.correction,
    }


@together()
def gradients_not_synchronized() -> Formulas:
    """The statistics are those of all replicas, and the gradient of x flows back within each replica alone."""
    return {
        "mean_term": lambda c: _local_mean(c, c.g),
        "variance_term": lambda c: c.h_back * _local_mean(c, c.g * c.h_back),
    }


@together()
def parameter_gradients_of_the_first_replica() -> Formulas:
    """The gradients of γ and β are those of the first replica's loss."""
    return {
        "dgamma": lambda c: c.total(c.g * c.h_back * _weights(c, replicas_of(c)[0])),
        "dbeta": lambda c: c.total(c.g * _weights(c, replicas_of(c)[0])),
    }


@together()
def parameter_gradients_averaged_over_replicas() -> Formulas:
    """The gradients of γ and β are divided by the number of replicas, and that of x is not."""
    return {
        "dgamma": lambda c: c.total(c.g * c.h_back) / float(max(len(c.case.shards), 1)),
        "dbeta": lambda c: c.total(c.g) / float(max(len(c.case.shards), 1)),
    }


@together()
def averages_of_the_first_replica() -> Formulas:
    """The running statistics average those of the first replica's values, and y is normalized by all."""
    return {
        "mean_averaged": lambda c: _moment_of_replicas(c, 0)[0],
        "variance_averaged": lambda c: _moment_of_replicas(c, 1)[0] * c.correction,
    }


@fault("correction")
def unbiased_by_the_count_of_one_replica(c: Calculation) -> Number:
    """The averaged variance is multiplied by m/(m - 1) with the m of the first replica."""
    start, end = replicas_of(c)[0]
    count = end - start
    return unbiasing(c) if count == c.m else c.number(float(count)) / float(max(count - 1, 1))


@together()
def empty_replica_poisons_the_mean() -> Formulas:
    """A replica without an example has a mean of 0/0, which reaches everybody."""
    return {"mean": lambda c: c.average(c.x) * (float("nan") if 0 in c.case.shards else 1.0)}
