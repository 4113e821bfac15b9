"""Inference of a layer that keeps no running statistics.

Rule: it has nothing to normalize by but the batch, and does what training does, which an implementation is judged by.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Literal

from bnconform.contract.case import Case
from bnconform.contract.memo import once
from bnconform.engine.agreement import Agreement
from bnconform.engine.spec import Subject
from bnconform.oracle.expected import bound_of
from bnconform.relations.use.alike import alike
from bnconform.relations.use.between import OF_THE_CALL

HOW = "in inference without running statistics"


@once
def in_mode(case: Case, mode: Literal["train", "infer"]) -> Case:
    """Returns the case in that mode, without running statistics."""
    return replace(case, mode=mode, running_mean=None, running_var=None)


def as_in_training(bn: Subject, case: Case) -> list[Agreement]:
    """Compares the outputs of inference with those of training, both without running statistics."""
    asked, due = in_mode(case, "infer"), in_mode(case, "train")
    bn(asked)  # first: who takes no such case is asked nothing else
    return [alike(bn, asked, getattr(bn(due), name), bound_of(due, bn.dialect, name), name, HOW) for name in OF_THE_CALL
            if getattr(case, name, 0) is not None]  # fmt: skip
