"""Faults of the running statistics."""

from dataclasses import replace

import numpy as np

from bnconform.analysis.faults.calculation import Calculation, Number
from bnconform.analysis.faults.fault import Asked, altered, fault, prepared
from bnconform.contract.case import Case
from bnconform.contract.outcome import Outcome


@fault("variance_averaged", convention=True)
def biased_variance_averaged(c: Calculation) -> Number:
    """The running variance averages the biased variance."""
    return c.variance


@fault("variance_averaged")
def correction_applied_twice(c: Calculation) -> Number:
    """The running variance is corrected by m/(m - 1) twice."""
    return c.variance * (float(c.m) / max(c.m - 1, 1)) ** 2


@fault("variance_averaged")
def correction_turned_over(c: Calculation) -> Number:
    """The running variance is corrected by (m - 1)/m."""
    return c.variance * (max(c.m - 1, 1) / float(c.m))


@fault("variance_averaged")
def correction_by_examples(c: Calculation) -> Number:
    """The running variance of a feature map is corrected by N/(N - 1), not by N·H·W."""
    count = c.examples if c.case.axis % c.case.x.ndim else c.m
    return c.variance * (float(count) / max(count - 1, 1))


@fault("variance_averaged")
def deviation_averaged(c: Calculation) -> Number:
    """The running variance averages the standard deviation."""
    return c.sqrt(c.variance * (float(c.m) / max(c.m - 1, 1)))


@fault("variance_averaged")
def variance_about_the_new_running_mean(c: Calculation) -> Number:
    """The running variance averages squares about the new running mean."""
    d = c.x - c.running_mean
    return c.total(d * d) / float(max(c.m - 1, 1))


@fault("weight", convention=True)
def momentum_complemented(c: Calculation) -> Number:
    """The momentum weighs the old statistics, not the new ones."""
    return 1.0 - c.omega


@fault("weight")
def momentum_a_thousandth_too_large(c: Calculation) -> Number:
    """The weight of the new statistics is 1.001 times as large."""
    return 1.001 * c.omega


@fault("weight")
def momentum_of_a_tenth(c: Calculation) -> Number:
    """The weight of the new statistics is 0.1, a common default, whatever was asked for."""
    return 0.1


@fault("weight")
def new_statistics_alone(c: Calculation) -> Number:
    """The running statistics are the batch's, whatever the momentum."""
    return 1.0


@fault("weight")
def averages_never_updated(c: Calculation) -> Number:
    """The running statistics stay as they were."""
    return 0.0


@fault("weight")
def averages_updated_twice(c: Calculation) -> Number:
    """One step moves the running statistics twice."""
    return 1.0 - (1.0 - c.omega) ** 2


@fault("running_mean")
def mean_debiased_as_if_first(c: Calculation) -> Number:
    """The running mean is divided by the weight of the new statistics, as if the step were the first."""
    return c.rm if c.rm is None or not c.training else c.rm * ((1.0 - c.omega) / (c.omega or 1.0)) + c.mean


@fault("running_mean")
def running_mean_never_updated(c: Calculation) -> Number:
    """The running mean stays as it was."""
    return c.rm


@fault("running_var")
def running_variance_never_updated(c: Calculation) -> Number:
    """The running variance stays as it was."""
    return c.rv


@fault("running_mean")
def old_mean_kept_whole(c: Calculation) -> Number:
    """The new mean is added to the whole of the old one: rm + ω·μ."""
    return c.rm if c.rm is None or not c.training else c.rm + c.mean * c.omega


@fault("running_var")
def old_variance_kept_whole(c: Calculation) -> Number:
    """The new variance is added to the whole of the old one: rv + ω·V."""
    return c.rv if c.rv is None or not c.training else c.rv + c.variance_averaged * c.omega


@fault("running_mean")
def mean_of_the_outputs_averaged(c: Calculation) -> Number:
    """The running mean averages the outputs."""
    return c.rm if c.rm is None or not c.training else c.rm * (1.0 - c.omega) + c.average(c.y) * c.omega


@prepared()
def no_momentum_taken_for_the_default(case: Case) -> Case:
    """A momentum of zero is taken for 0.1."""
    return replace(case, momentum=case.momentum or 0.1)


@altered()
def averages_moved_for_gradients_only(case: Case, right: Outcome, asked: Asked) -> Outcome:
    """The running statistics move only where gradients are asked for."""
    if case.dy is not None or case.mode == "infer" or case.running_mean is None:
        return right
    kept = {name: np.asarray(getattr(case, name)) for name in ("running_mean", "running_var")}
    return replace(right, **{name: array.astype(getattr(right, name).dtype) for name, array in kept.items()})
