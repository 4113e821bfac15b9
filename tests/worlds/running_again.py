"""Layers whose backward pass runs the forward pass again, and layers that change modes: right ones, and ones that keep
or lose what they should not.

Rules: a single call with everything kept is right; nothing here is imported from bnconform but the contract.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from bnconform import Case, Outcome
from worlds.miniatures import Mathematics
from worlds.wrong_ways import correct, of

AVERAGES = ("running_mean", "running_var")
Run = Callable[[Case], Outcome]


def _continued(case: Case, left: Outcome) -> Case:
    """Returns the case with the averages that a call left, if it keeps any."""
    return replace(case, **{name: getattr(left, name) for name in AVERAGES}) if case.running_mean is not None else case


def right(case: Case) -> Outcome:
    """Is indifferent to what ran before or again, and normalizes by the batch where it has no averages."""
    untracked = case.mode == "infer" and case.running_mean is None
    found = replace(case, checkpointed=False, earlier=None, mode="train" if untracked else case.mode)
    for mode in case.earlier_modes:
        found = _continued(found, correct(replace(found, x=case.earlier, mode=mode, dy=None)))
    return correct(found)


def averages_twice(case: Case) -> Outcome:
    """The forward pass that runs again moves the averages again, as in torch."""
    once = right(case)
    if not case.checkpointed or case.mode != "train":
        return once
    twice = correct(_continued(replace(case, checkpointed=False), once))
    return replace(once, **{name: getattr(twice, name) for name in AVERAGES})


def averages_never(case: Case) -> Outcome:
    """The averages are to move in the pass that runs again, and in the other one alone are left out."""
    kept = {name: getattr(case, name) for name in AVERAGES} if case.checkpointed else {}
    return replace(right(case), **kept)


def runs_again_in_inference(case: Case) -> Outcome:
    """The forward pass runs again by the averages."""
    found = right(case)
    return (
        replace(found, dx=correct(replace(case, mode="infer", checkpointed=False)).dx) if case.checkpointed else found
    )


def constants_again(case: Case) -> Outcome:
    """The forward pass runs again with its statistics as constants."""
    stopped = of(Mathematics(stopped_gradient=True))
    return replace(right(case), dx=stopped(replace(case, checkpointed=False)).dx) if case.checkpointed else right(case)


def keeps_its_folded_scale(case: Case) -> Outcome:
    """The scale that the first inference folded serves each later one."""
    if case.earlier is None or case.mode == "train":
        return right(case)
    stale = correct(replace(case, earlier=None))
    return replace(right(case), y=stale.y, dx=stale.dx, dgamma=stale.dgamma)


def stays_in_inference(case: Case) -> Outcome:
    """Once in inference it goes on so, though it is told to train."""
    if case.earlier is None or case.mode == "infer":
        return right(case)
    left = correct(replace(case, x=case.earlier, earlier=None, dy=None))
    return correct(_continued(replace(case, mode="infer", earlier=None), left))


def forgets_its_averages(case: Case) -> Outcome:
    """A change of modes begins the averages anew."""
    if case.earlier is None or case.mode == "infer":
        return right(case)
    return correct(replace(case, earlier=None))


def averages_in_inference(case: Case) -> Outcome:
    """Inference moves the averages, too."""
    found = replace(case, earlier=None)
    for _ in case.earlier_modes:
        found = _continued(found, correct(replace(found, x=case.earlier, mode="train", dy=None)))
    return right(found)


def scales_of_the_last_batch(case: Case) -> Outcome:
    """Behind other calls the parameters' gradient is still of the first batch."""
    if case.earlier is None:
        return right(case)
    return replace(right(case), dgamma=correct(replace(case, x=case.earlier, earlier=None)).dgamma)


def nothing_to_divide_by(case: Case) -> Outcome:
    """Without averages inference takes a mean of 0 and a variance of 1."""
    if case.mode == "train" or case.running_mean is not None:
        return right(case)
    zeros = case.x.sum(axis=tuple(i for i in range(case.x.ndim) if i != case.axis % case.x.ndim)) * 0
    return correct(replace(case, running_mean=zeros, running_var=zeros + 1))


def constants_in_inference(case: Case) -> Outcome:
    """Without averages inference normalizes by the batch, and sends gradients as if its statistics were constants."""
    if case.mode == "train" or case.running_mean is not None:
        return right(case)
    return of(Mathematics(stopped_gradient=True))(replace(case, mode="train"))
