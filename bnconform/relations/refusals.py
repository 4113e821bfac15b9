"""Refusals: settings and values answered with an error where no document says that they must be taken.

Rules: an error is a refusal only where it says something, is none of arithmetic, and does not come for the same problem
with an ordinary setting or value; nothing is claimed of a refused case, and the reason is the implementation's own.
"""

from __future__ import annotations

from dataclasses import replace

from bnconform.contract.case import Case
from bnconform.contract.outcome import Outcome
from bnconform.contract.reply import NotOffered, Raised, Reply
from bnconform.engine.spec import NoOutcomeError, Subject

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


def _is_refusal(reply: Raised) -> bool:
    return bool(reply.message.strip()) and reply.type not in ARITHMETIC
