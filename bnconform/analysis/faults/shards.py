"""Faults of a part of the batch: of statistics of some rows only, or of shards that are put together wrongly."""

import numpy as np

from bnconform.analysis.faults.calculation import Calculation, Number
from bnconform.analysis.faults.fault import Formulas, fault, together

Statistics = tuple[Number, Number]
"""Mean and variance."""


def of_rows(c: Calculation, start: int, stop: int) -> Statistics:
    """Returns the statistics of the rows from `start` to before `stop` alone."""
    counted = ((np.arange(c.m) >= start) & (np.arange(c.m) < stop)).astype(np.float64)[:, None]
    weights = c.numbers.lift(counted + np.zeros((c.m, c.channels)))
    mean = c.total(c.x * weights) / float(stop - start)
    return mean, c.total((c.x - mean) * (c.x - mean) * weights) / float(stop - start)


@fault("mean")
def mean_of_half_the_batch(c: Calculation) -> Number:
    """The mean is that of the first half of the batch."""
    return of_rows(c, 0, max(1, c.m // 2))[0]


@fault("variance")
def variance_of_half_the_batch(c: Calculation) -> Number:
    """The variance is that of the first half of the batch."""
    return of_rows(c, 0, max(1, c.m // 2))[1]


@fault("mean")
def last_value_left_out_of_the_mean(c: Calculation) -> Number:
    """The mean leaves out the last value."""
    return of_rows(c, 0, max(1, c.m - 1))[0]


@fault("variance")
def last_value_left_out_of_the_variance(c: Calculation) -> Number:
    """The variance leaves out the last value."""
    return of_rows(c, 0, max(1, c.m - 1))[1]


@together()
def statistics_of_half_the_batch() -> Formulas:
    """Mean and variance are those of the first half of the batch."""
    return {**mean_of_half_the_batch.formulas, **variance_of_half_the_batch.formulas}


@together()
def last_value_left_out() -> Formulas:
    """Mean and variance leave out the last value."""
    return {**last_value_left_out_of_the_mean.formulas, **last_value_left_out_of_the_variance.formulas}


@together()
def averages_of_half_the_batch() -> Formulas:
    """The running statistics average those of the first half of the batch, as of one of two devices."""
    return {
        "mean_averaged": lambda c: _halves(c)[0][0],
        "variance_averaged": lambda c: _halves(c)[0][1] * c.correction,
    }


def _halves(c: Calculation) -> tuple[Statistics, Statistics]:
    """Returns the statistics of the first half of the batch and of the rest; a single row is both."""
    half = max(1, c.m // 2)
    return of_rows(c, 0, half), of_rows(c, half if c.m > 1 else 0, c.m)


@fault("mean")
def means_of_unequal_shards_not_weighted(c: Calculation) -> Number:
    """The mean is the plain mean of those of two shards, the second of which has one value more if m is odd."""
    (first, _), (second, _) = _halves(c)
    return (first + second) * 0.5


@fault("variance")
def variance_between_shards_missing(c: Calculation) -> Number:
    """The variance is the mean of those of two shards, each about its own mean."""
    (_, first), (_, second) = _halves(c)
    return (first + second) * 0.5


@fault("variance_averaged")
def variance_between_shards_missing_in_the_average(c: Calculation) -> Number:
    """The running variance averages the mean of the variances of two shards, each about its own mean."""
    (_, first), (_, second) = _halves(c)
    return (first + second) * 0.5 * c.correction


def _by_half(c: Calculation, place: int) -> Number:
    """Returns the means (0) or the variances (1) of the halves, each in the rows of its half."""
    first, second = (of_half[place] for of_half in _halves(c))
    return c.numbers.choose((np.arange(c.m) < max(1, c.m // 2))[:, None], first, second)


@together()
def each_half_normalized_alone() -> Formulas:
    """Each half of the batch is normalized by its own statistics, as on two devices that do not exchange them."""
    return {
        "centre": lambda c: _by_half(c, 0) if c.training else c.rm,
        "variance_in_y": lambda c: _by_half(c, 1) if c.training else c.rv,
    }
