"""Faults of the batch's mean and variance."""

import numpy as np

from bnconform.analysis.faults.calculation import Calculation, Number
from bnconform.analysis.faults.fault import Formulas, fault, together
from bnconform.analysis.faults.formulas import unbiasing


@fault("variance_in_y")
def unbiased_variance_in_y(c: Calculation) -> Number:
    """The variance that normalizes divides by m - 1."""
    return c.variance * unbiasing(c) if c.training else c.rv


@fault("variance")
def unbiased_variance_corrected_again(c: Calculation) -> Number:
    """The variance of the batch divides by m - 1 wherever it is used, and the running variance corrects it again."""
    return c.average((c.x - c.mean) * (c.x - c.mean)) * unbiasing(c)


@fault("variance")
def variance_about_zero(c: Calculation) -> Number:
    """The variance is the mean square: the mean is not subtracted in it."""
    return c.average(c.x * c.x)


@fault("variance")
def variance_about_the_running_mean(c: Calculation) -> Number:
    """The variance is taken about the running mean."""
    centre = c.mean if c.rm is None else c.rm
    return c.average((c.x - centre) * (c.x - centre))


@fault("variance")
def variance_divided_by_examples(c: Calculation) -> Number:
    """The variance of a feature map divides by N, not by N·H·W."""
    return c.total((c.x - c.mean) * (c.x - c.mean)) / float(c.examples if c.case.axis % c.case.x.ndim else c.m)


@fault("variance")
def mean_deviation_squared(c: Calculation) -> Number:
    """The spread is the mean absolute deviation, not the root of the mean square."""
    d = c.x - c.mean
    spread = c.average(c.numbers.choose(c.plain(d) >= 0, d, d * -1.0))
    return spread * spread


@fault("variance")
def one_variance_for_all_channels(c: Calculation) -> Number:
    """The variance is averaged over the channels."""
    each = c.plain(c.average((c.x - c.mean) * (c.x - c.mean)))
    return c.vector(np.full_like(each, each.mean()))


@fault("variance")
def variance_summed_over_all_channels(c: Calculation) -> Number:
    """The squared deviations are summed over the channels, too, and divided by m: one variance for all."""
    return c.vector(np.zeros(c.channels)) + c.total(c.average((c.x - c.mean) * (c.x - c.mean)))


@fault("mean")
def one_mean_for_all_channels(c: Calculation) -> Number:
    """The mean is averaged over the channels."""
    each = c.plain(c.average(c.x))
    return c.vector(np.full_like(each, each.mean()))


@fault("mean")
def mean_divided_by_one_more(c: Calculation) -> Number:
    """The mean divides by m + 1."""
    return c.total(c.x) / float(c.m + 1)


@fault("centre")
def mean_not_subtracted(c: Calculation) -> Number:
    """The mean is not subtracted."""
    return c.mean * 0.0 if c.training else c.rm * 0.0


@fault("centre")
def mean_subtracted_twice(c: Calculation) -> Number:
    """The mean is subtracted twice."""
    return (c.mean if c.training else c.rm) * 2.0


@fault("centre")
def running_mean_subtracted_in_training(c: Calculation) -> Number:
    """Training subtracts the running mean."""
    return c.mean if c.rm is None else c.rm


@fault("variance_in_y")
def running_variance_in_training(c: Calculation) -> Number:
    """Training divides by the root of the running variance."""
    return c.variance if c.rv is None else c.rv


@together()
def one_mean_and_variance_for_all_channels() -> Formulas:
    """One mean and one variance, those of all values of all channels, normalize every channel."""
    return {**one_mean_for_all_channels.formulas, **one_variance_for_all_channels.formulas}
