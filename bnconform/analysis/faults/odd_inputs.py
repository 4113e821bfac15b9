"""Faults that only odd problems show: nothing to normalize, a NaN, another layout, a second call."""

from dataclasses import replace

import numpy as np

from bnconform.analysis.faults.calculation import Calculation, Number
from bnconform.analysis.faults.fault import Asked, altered, fault, prepared
from bnconform.analysis.faults.formulas import unbiasing
from bnconform.contract.case import Case
from bnconform.contract.outcome import Outcome


# It corrects whatever the dialect: without a correction there is no 0/0, and a NaN there has another cause.
@fault("correction")
def single_value_poisons_the_average(c: Calculation) -> Number:
    """With one value per channel the running variance becomes 0/0."""
    return unbiasing(c) if c.m > 1 else np.inf


@fault("variance_in_y")
def single_value_gives_nan(c: Calculation) -> Number:
    """With one value per channel the output is not a number."""
    return c.rv if not c.training else c.variance if c.m > 1 else c.variance + np.nan


@altered(takes_nothing=True)
def empty_batch_poisons_the_averages(case: Case, right: Outcome, asked: Asked) -> Outcome:
    """A batch of no examples is taken, and its mean over nothing goes into the running statistics."""
    return right


@altered()
def nan_spreads_to_other_channels(case: Case, right: Outcome, asked: Asked) -> Outcome:
    """A NaN in one channel reaches all others."""
    if right.y is None or np.isfinite(case.x.astype(np.float64)).all():
        return right
    return replace(right, y=np.full_like(right.y, np.nan))


@altered()
def constant_channel_gives_zero(case: Case, right: Outcome, asked: Asked) -> Outcome:
    """A channel whose values are all equal gives 0, not β."""
    if right.y is None or case.mode == "infer" or not case.rows:
        return right
    constant = np.ptp(np.moveaxis(case.x, case.axis, -1).reshape(-1, case.channels).astype(np.float64), axis=0) == 0
    shape = [1] * case.x.ndim
    shape[case.axis] = -1
    return replace(right, y=np.where(constant.reshape(shape), 0, right.y).astype(right.y.dtype))


@prepared()
def channels_read_from_the_last_axis(case: Case) -> Case:
    """Memory is read as if the channels were on the last axis, wherever they are."""
    if case.layer:  # whose weight has its rank
        return case
    shape = (case.rows, case.channels)
    tensors = {name: getattr(case, name) for name in ("x", "dy", "dot_x", "bar_dx")}
    rows = {name: array.reshape(shape) for name, array in tensors.items() if array is not None}
    return replace(case, axis=1, shards=(), **rows)  # other rows than those that the shards count


@altered()
def second_call_differs(case: Case, right: Outcome, asked: Asked) -> Outcome:
    """The second time that a case is given, its outputs are a little larger."""
    if right.y is None:
        return right
    digest = hash(case.x.tobytes())
    asked ^= {digest}
    return right if digest in asked else replace(right, y=np.nextafter(right.y, right.y.dtype.type(np.inf)))
