"""Faults of the running statistics."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from bnconform.analysis.faults.calculation import Calculation, Number
from bnconform.analysis.faults.fault import Asked, Formulas, altered, fault, prepared, together
from bnconform.analysis.faults.formulas import unbiasing
from bnconform.contract.case import Case
from bnconform.contract.outcome import Outcome


@fault("variance_averaged", convention=True)
def biased_variance_averaged(c: Calculation) -> Number:
    """The running variance averages the biased variance."""
    return c.variance


@fault("variance_averaged")
def correction_applied_twice(c: Calculation) -> Number:
    """The running variance is corrected by m/(m - 1) twice."""
    return c.variance * unbiasing(c) * unbiasing(c)


@fault("variance_averaged")
def correction_turned_over(c: Calculation) -> Number:
    """The running variance is corrected by (m - 1)/m."""
    return c.variance / unbiasing(c)


@fault("variance_averaged")
def correction_by_examples(c: Calculation) -> Number:
    """The running variance of a feature map is corrected by N/(N - 1), not by N·H·W."""
    count = c.examples if c.case.axis % c.case.x.ndim else c.m
    return c.variance * (float(count) / max(count - 1, 1))


@fault("variance_averaged")
def deviation_averaged(c: Calculation) -> Number:
    """The running variance averages the standard deviation."""
    return c.sqrt(c.variance * c.correction)


@fault("variance_averaged")
def variance_about_the_new_running_mean(c: Calculation) -> Number:
    """The running variance averages squares about the new running mean."""
    d = c.x - c.running_mean
    return c.average(d * d) * c.correction


@fault("variance_averaged")
def mean_square_averaged(c: Calculation) -> Number:
    """The running variance averages the mean square: the mean is not subtracted in it."""
    return c.average(c.x * c.x) * c.correction


@fault("variance_averaged")
def mean_square_alone_corrected(c: Calculation) -> Number:
    """The running variance corrects E[x²] alone: E[x²]·m/(m - 1) - E[x]²."""
    return c.average(c.x * c.x) * unbiasing(c) - c.mean * c.mean


@fault("variance_averaged")
def reciprocal_root_averaged(c: Calculation) -> Number:
    """The running variance averages the saved 1/√(v + ε), which is taken for the variance."""
    return c.r * c.correction


@fault("mean_averaged")
def running_mean_corrected(c: Calculation) -> Number:
    """The running mean is corrected by m/(m - 1), as only the variance is."""
    return c.mean * unbiasing(c)


@together()
def corrections_exchanged() -> Formulas:
    """The unbiased variance normalizes, and the running variance averages the biased one."""
    return {
        "variance_in_y": lambda c: c.variance * unbiasing(c) if c.training else c.rv,
        "variance_averaged": lambda c: c.variance,
    }


@together()
def averages_exchanged() -> Formulas:
    """The running mean averages the variance, and the running variance the mean."""
    return {"mean_averaged": lambda c: c.variance * c.correction, "variance_averaged": lambda c: c.mean}


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


def _moved(step: Callable[[Number, Number, Number], Number]) -> Formulas:
    """Returns formulas that move both averages by this step, of the old one, the batch's and the weight of the latter.

    The weight is a number of the Calculation's kind, so that 1 - ω is not rounded where numbers are not.
    """

    def moved(c: Calculation, old: Number, new: str) -> Number:
        return step(old, getattr(c, new), c.number(c.omega)) if c.training and old is not None else old

    return {
        "running_mean": lambda c: moved(c, c.rm, "mean_averaged"),
        "running_var": lambda c: moved(c, c.rv, "variance_averaged"),
    }


@together()
def old_averages_kept_whole() -> Formulas:
    """Both new statistics are added to the whole of the old ones: r + ω·s."""
    return _moved(lambda old, new, weight: old + new * weight)


@together()
def old_averages_forgotten() -> Formulas:
    """The old averages cancel, as by a missing pair of parentheses in r + ω·(s - r): ω·s is left."""
    return _moved(lambda old, new, weight: new * weight)


@together()
def weight_subtracted_from_the_old_averages() -> Formulas:
    """The weight of the new statistics is subtracted from the old ones, not from one: (r - ω) + ω·s."""
    return _moved(lambda old, new, weight: old - weight + new * weight)


@together()
def new_statistics_weighed_twice() -> Formulas:
    """The weight of the old averages multiplies the new ones as well, by parentheses too wide: (1 - ω)·(r + ω·s)."""
    return _moved(lambda old, new, weight: (old + new * weight) * (1.0 - weight))


@together()
def averages_moved_away() -> Formulas:
    """The averages move away from the new statistics: r - ω·(s - r)."""
    return _moved(lambda old, new, weight: old * (1.0 + weight) - new * weight)


@together()
def averages_debiased_as_if_first() -> Formulas:
    """Both averages are divided by the weight of the new statistics, as if the step were the first."""
    return _moved(lambda old, new, weight: old * ((1.0 - weight) / weight) + new)


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
