"""Faults of the axes: statistics of other values than those of one channel."""

import numpy as np

from bnconform.analysis.faults.calculation import Calculation, Number
from bnconform.analysis.faults.fault import Formulas, fault, together
from bnconform.contract.axes import to_rows


def _moment(c: Calculation, t: Number, power: int) -> Number:
    """Returns mean (power 1) or variance (power 2) of the columns of t."""
    count = float(len(c.plain(t)))
    mean = c.total(t) / count
    return mean if power == 1 else c.total((t - mean) * (t - mean)) / count


def _by_pixel(c: Calculation, of_channels: Number, power: int) -> Number:
    """Returns mean (power 1) or variance (power 2) over the examples, for each value of a feature map, as rows."""
    if c.case.x.ndim == 2 or c.case.axis % c.case.x.ndim == 0:
        return of_channels
    maps = c.numbers.lift(to_rows(c.case.x, c.case.axis).reshape(c.examples, -1))
    found = _moment(c, maps, power)
    rows = np.tile(c.plain(found).reshape(-1, c.channels), (c.examples, 1))
    return c.numbers.lift(rows)


@fault("centre")
def mean_of_each_pixel_alone(c: Calculation) -> Number:
    """The mean of a feature map is over the examples only, for each pixel alone."""
    return _by_pixel(c, c.mean, 1) if c.training else c.rm


@fault("variance_in_y")
def variance_of_each_pixel_alone(c: Calculation) -> Number:
    """The variance of a feature map is over the examples only, for each pixel alone."""
    return _by_pixel(c, c.variance, 2) if c.training else c.rv


@together()
def each_pixel_normalized_alone() -> Formulas:
    """Mean and variance of a feature map are over the examples only, for each pixel alone."""
    return {**mean_of_each_pixel_alone.formulas, **variance_of_each_pixel_alone.formulas}


def _by_example(c: Calculation, power: int) -> Number:
    """Returns mean (power 1) or variance (power 2) over the pixels of each example, as rows."""
    pixels = c.m // c.examples if c.case.axis % c.case.x.ndim else 1
    maps = to_rows(c.case.x, c.case.axis).reshape(-1, pixels, c.channels).swapaxes(0, 1).reshape(pixels, -1)
    found = _moment(c, c.numbers.lift(maps), power)
    return c.numbers.lift(np.repeat(c.plain(found).reshape(-1, c.channels), pixels, axis=0))


@together()
def each_example_normalized_alone() -> Formulas:
    """Mean and variance are those of each example's own pixels, as in instance normalization."""
    return {
        "centre": lambda c: _by_example(c, 1) if c.training else c.rm,
        "variance_in_y": lambda c: _by_example(c, 2) if c.training else c.rv,
    }


def _by_row(c: Calculation, power: int) -> Number:
    """Returns mean (power 1) or variance (power 2) over the channels of each row, as a column."""
    found = _moment(c, c.numbers.lift(to_rows(c.case.x, c.case.axis).T), power)
    return c.numbers.lift(c.plain(found)[:, None])


@together()
def statistics_over_the_channels() -> Formulas:
    """Mean and variance are over the channels of each value, not over the batch."""
    return {
        "centre": lambda c: _by_row(c, 1) if c.training else c.rm,
        "variance_in_y": lambda c: _by_row(c, 2) if c.training else c.rv,
    }
