"""Marks tell one failure from another, so that a smaller case stands for the failure that was found and for no other.

Rules: marks are fields, and of an exception what it says; no figure is a mark, as sizes, steps and values differ
between a case and its witness.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from bnconform.contract.reply import Crashed, Raised
from bnconform.engine.agreement import Judgement, Verdict

_NUMBER = re.compile(r"0x[0-9a-f]+|[-+]?\d+(?:\.\d*)?(?:e[-+]?\d+)?|\b(?:nan|inf|None)\b", re.IGNORECASE)
_NUMBERS = re.compile(r"#(?:[\s,;x]*#)*,?")
"""Several numbers in a row, which is how a shape is written: that of a smaller case has others, and often fewer."""


@dataclass(frozen=True, kw_only=True)
class Marks:
    """The marks of a judgement.

    kind: the class of the reply that came in place of an outcome, or of the exception that was raised; empty where
    there was an outcome. said: the message of the exception without its numbers, or how the process ended. outputs,
    aspect, declared: of the comparison that decided.
    """

    verdict: Verdict
    kind: str = ""
    said: str = ""
    outputs: frozenset[str] = frozenset()
    aspect: str = ""
    declared: str = ""


def marks_of(judged: Judgement) -> Marks:
    """Returns the marks of a judgement."""
    reply, worst = judged.reply, judged.worst
    if isinstance(reply, Raised):
        return Marks(verdict=judged.verdict, kind=reply.type, said=_without_numbers(reply.message))
    if reply is not None:
        said = reply.how if isinstance(reply, Crashed) else ""
        return Marks(verdict=judged.verdict, kind=type(reply).__name__, said=said)
    if worst is None:
        return Marks(verdict=judged.verdict)
    return Marks(
        verdict=judged.verdict,
        outputs=frozenset(worst.outputs),
        aspect=worst.aspect,
        declared=worst.declared,
    )


def _without_numbers(message: str) -> str:
    """Returns the first line of a message and the last, since some begin with a heading, each number left out."""
    lines = message.strip().splitlines() or [""]
    told = "\n".join(dict.fromkeys((lines[0].strip(), lines[-1].strip())))
    return _NUMBERS.sub("#", _NUMBER.sub("#", told))
