"""Examples of a batch by themselves: single ones, among others, and the time steps of a sequence.

Rules: each of two runs may be off by its own bound.
"""

from __future__ import annotations

import numpy as np

from bnconform.contract.axes import along
from bnconform.contract.case import Case
from bnconform.engine.agreement import Agreement, agree, not_offered
from bnconform.engine.spec import Subject
from bnconform.oracle import bounds
from bnconform.oracle.bounds import Bound
from bnconform.relations import followups


def among_others(bn: Subject, case: Case) -> Agreement:
    """Compares y of the first example with that among other examples."""
    other, quantity = followups.among_others(case), "y among other examples"
    expected = bn.output(other, "y").astype(np.float64)
    within = bounds.y(case, bn.dialect) + bounds.y(other, bn.dialect)
    first = along(np.arange(len(case.x)) == 0, case.x.ndim, 0)
    return agree(bn(case).y, expected, within=within, output="y", quantity=quantity, where=first)


def by_itself(bn: Subject, case: Case) -> Agreement:
    """Compares y of a batch of one example with that of the example in its batch."""
    single, within = followups.one_example(case), bounds.y(case, bn.dialect)
    expected = bn.output(case, "y")[:1].astype(np.float64)
    of_one = Bound(within.allowance[:1], within.scale[:1], within.u) + bounds.y(single, bn.dialect)
    return agree(bn(single).y, expected, within=of_one, output="y", quantity="y of a single example")


def time_steps(bn: Subject, case: Case) -> Agreement:
    """Compares y of a sequence with time steps for channels with y of each time step by itself."""
    whole, alone = followups.time_steps_as_channels(case), followups.time_steps(case)
    quantity, y, parts = "y of time steps as channels", bn(whole).y, [bn(step).y for step in alone]
    if y is None or any(part is None for part in parts):
        return not_offered("y", quantity=quantity)
    bound = bounds.y(whole, bn.dialect)
    # The error of a step by itself adds to its error among the others.
    more = followups.joined(case, [bounds.y(step, bn.dialect).allowance for step in alone])
    allowance, scale = (followups.as_sequence(case, part) for part in (bound.allowance, bound.scale))
    one_by_one = followups.joined(case, [np.asarray(part).astype(np.float64) for part in parts])
    within = Bound(allowance + more, scale, bound.u)
    return agree(followups.as_sequence(case, y), one_by_one, within=within, output="y", quantity=quantity)


def reordered(bn: Subject, case: Case) -> Agreement:
    """Compares y of the reordered batch with y, reordered."""
    turned = followups.reordered(case)
    expected = followups.reorder(bn.output(case, "y").astype(np.float64), case.axis)
    within = bounds.y(turned, bn.dialect) + followups.reorder(bounds.y(case, bn.dialect).allowance, case.axis)
    return agree(bn(turned).y, expected, within=within, output="y", quantity="y of the reordered input")


def repeated(bn: Subject, case: Case) -> Agreement:
    """Compares y of a batch that is given twice with y, twice."""
    twice, before = followups.repeated(case), bn.output(case, "y")
    allowance = bounds.y(case, bn.dialect).allowance
    within = bounds.y(twice, bn.dialect) + np.concatenate([allowance, allowance])
    expected = np.concatenate([before, before]).astype(np.float64)
    return agree(bn(twice).y, expected, within=within, output="y", quantity="y of the repeated batch")
