"""Refusals: settings and values answered with an error where no document says that they must be taken.

Rules: an error is a refusal only where it says something, is none of arithmetic, and does not come for the same problem
with an ordinary setting or value; nothing is claimed of a refused case, and the reason is the implementation's own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace

import numpy as np

from bnconform.contract.case import Case
from bnconform.contract.outcome import Outcome
from bnconform.contract.reply import NotOffered, Raised, Reply
from bnconform.engine.agreement import Agreement, hold, refused
from bnconform.engine.spec import NoOutcomeError, Subject

Found = Agreement | Iterable[Agreement]
ORDINARY = 0.5
"""A weight of the new statistics that every implementation takes."""
ARITHMETIC = ("ZeroDivisionError", "FloatingPointError", "OverflowError")
"""Arithmetic errors: accidents, not refusals."""


def taken(bn: Subject, case: Case, ordinary: Case | None = None) -> Case:
    """Returns the case; ends the property where it is refused and `ordinary` is not.

    ordinary: None stands for the same case with an ordinary momentum.
    """
    reply = bn.reply(case)
    if isinstance(reply, Raised) and _is_refusal(reply):
        other: Reply = bn.reply(replace(case, momentum=ORDINARY) if ordinary is None else ordinary)
        if isinstance(other, Outcome):
            raise NoOutcomeError(NotOffered(f"refused: {reply.message}"))
    return case


def unless_refused(bn: Subject, case: Case, compare: Callable[[], Found], quantity: str) -> Found:
    """Returns what `compare` finds of a case; nothing is compared where the case was refused with an error."""
    reply = bn.reply(case)
    return refused(reply, quantity=quantity) if isinstance(reply, Raised) else compare()


def refused_or(bn: Subject, case: Case, compare: Callable[[], Found]) -> Found:
    """Returns what `compare` finds of a case; an error in place of an outcome keeps the statement as well, silently."""
    if isinstance(bn.reply(case), Raised):
        return hold(np.ones(1), quantity="refusal", silent=True)
    return compare()


def _is_refusal(reply: Raised) -> bool:
    return bool(reply.message.strip()) and reply.type not in ARITHMETIC
