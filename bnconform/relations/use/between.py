"""A layer that is called again between a forward pass and its backward pass.

Rules: the call between is one of another batch, x times a power of two with its examples in reverse order, so that it
is as exact as x, and of other statistics. What is asked is that nothing changes, so that an implementation is judged by
its own outputs of the first call alone, and for two averaged calls by its own averages of the same two calls one after
the other (see `alike`).
"""

from __future__ import annotations

from dataclasses import replace
from typing import Literal

import numpy as np

from bnconform.contract.case import Case
from bnconform.contract.memo import once
from bnconform.engine.agreement import Agreement, not_offered
from bnconform.engine.spec import Subject
from bnconform.oracle import bounds
from bnconform.oracle.expected import RUNNING, bound_of
from bnconform.relations import chains
from bnconform.relations.use.alike import alike

FACTOR = -0.5
"""What makes the batch of the call between of x: it halves deviations and turns the mean."""
OF_THE_CALL = ("y", "dx", "dgamma", "dbeta")


@once
def called_again(case: Case, mode: Literal["train", "infer"] | None = None) -> Case:
    """Returns the case with a call of another batch in that mode before the backward pass."""
    return replace(case, between=chains.multiplied(case, FACTOR)[::-1].copy(), between_mode=mode)


def unchanged(bn: Subject, case: Case, mode: Literal["train", "infer"], *names: str) -> list[Agreement]:
    """Compares outputs of the first call with what they are without a call between in that mode."""
    asked, how = called_again(case, mode), f"beside a call between, of {mode}"
    bn(asked)  # first: who takes no such case is asked nothing else
    return [alike(bn, asked, getattr(bn(case), name), bound_of(case, bn.dialect, name), name, how) for name in names
            if getattr(case, name, 0) is not None]  # fmt: skip


def averages(bn: Subject, case: Case) -> list[Agreement]:
    """Compares the averages behind two training calls and one backward pass with those of two calls alone."""
    asked = called_again(case, "train")
    second = replace(case, x=np.asarray(asked.between), dy=None)
    bn(asked)  # first: who takes no such case is asked nothing else
    steps = chains.follow(bn, (replace(case, dy=None), second))
    if not steps:
        return [not_offered("running_mean")]
    return [_average(bn, asked, steps, name) for name in RUNNING]


def _average(bn: Subject, asked: Case, steps: chains.Steps, name: str) -> Agreement:
    bound = chains.carried(steps, getattr(bounds, name), bn.dialect)
    return alike(bn, asked, getattr(steps[-1].outcome, name), bound, name, "of two calls before a backward pass")
