"""A forward pass that runs again in the backward pass, as activation checkpoints have it: nothing is kept, all is
computed twice.

Rule: it saves memory and changes no result, so that an implementation is judged by its own outputs without it.
"""

from __future__ import annotations

from dataclasses import replace

from bnconform.contract.case import Case
from bnconform.contract.memo import once
from bnconform.engine.agreement import Agreement
from bnconform.engine.spec import Subject
from bnconform.oracle.expected import bound_of
from bnconform.relations.use.alike import alike

HOW = "where the forward pass runs again"


@once
def run_again(case: Case) -> Case:
    """Returns the case whose backward pass runs the forward pass again."""
    return replace(case, checkpointed=True)


def unchanged(bn: Subject, case: Case, *names: str) -> list[Agreement]:
    """Compares outputs with what they are where what the backward pass needs is kept."""
    asked = run_again(case)
    bn(asked)  # first: who takes no such case is asked nothing else
    return [alike(bn, asked, getattr(bn(case), name), bound_of(case, bn.dialect, name), name, HOW) for name in names
            if getattr(case, name, 0) is not None]  # fmt: skip
