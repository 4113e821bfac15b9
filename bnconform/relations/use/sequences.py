"""A layer that goes from one mode to the other and back, as a program that validates now and then has it.

Rules: the earlier calls are of another batch than the last one, whose outputs are judged, so that what a layer keeps of
a mode or of a call, a flag, a folded scale, an average, shows in them. An implementation is judged by its own outputs
of single calls, each begun with the averages that are due there (see `alike`).
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from bnconform.contract.case import Case
from bnconform.contract.memo import once
from bnconform.engine.agreement import Agreement, not_offered
from bnconform.engine.spec import Subject
from bnconform.oracle import bounds
from bnconform.oracle.expected import RUNNING, bound_of
from bnconform.relations import chains
from bnconform.relations.use.alike import alike
from bnconform.relations.use.between import FACTOR, OF_THE_CALL


@once
def behind_both(case: Case) -> Case:
    """Returns the case behind two calls of another batch on the same layer, one in each mode."""
    return replace(case, earlier=chains.multiplied(case, FACTOR)[::-1].copy())


@once
def first_training(case: Case) -> Case:
    """Returns the one earlier call that trains."""
    return replace(case, mode="train", x=np.asarray(behind_both(case).earlier), dy=None)


def trained(bn: Subject, case: Case) -> list[Agreement]:
    """Compares a training call behind one of training and one of inference: its outputs with those of a new layer, and
    the averages with those of the two training calls alone."""
    asked, how = behind_both(case), "behind a training call and one of inference"
    bn(asked)  # first: who takes no such case is asked nothing else
    found = [alike(bn, asked, getattr(bn(case), name), bound_of(case, bn.dialect, name), name, how)
             for name in OF_THE_CALL if getattr(case, name, 0) is not None]  # fmt: skip
    steps = chains.follow(bn, (first_training(case), replace(case, dy=None)))
    if not steps:
        return [*found, not_offered("running_mean")]
    for name in RUNNING:
        bound = chains.carried(steps, getattr(bounds, name), bn.dialect)
        found.append(alike(bn, asked, getattr(steps[-1].outcome, name), bound, name, how))
    return found


def inferred(bn: Subject, case: Case) -> list[Agreement]:
    """Compares a call of inference behind one of inference and one of training: the averages with those of the training
    call alone, and its outputs with those by the averages that the layer then has."""
    asked, how = behind_both(case), "behind a call of inference and one of training"
    left, training = bn(asked), first_training(case)
    found = [alike(bn, asked, getattr(bn(training), name), bound_of(training, bn.dialect, name), name, how)
             for name in RUNNING]  # fmt: skip
    if left.running_mean is None or left.running_var is None:
        return found
    known = chains.continued(case, left)
    return found + [
        alike(bn, asked, getattr(bn(known), name), bound_of(known, bn.dialect, name), name, how)
        for name in OF_THE_CALL
        if getattr(case, name, 0) is not None
    ]
