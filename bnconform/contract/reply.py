"""A Reply is a host's answer to a Case; a Described is its description of an Implementation.

Rules: plain frozen values of strings and numbers, picklable and writable as JSON; only an Outcome holds arrays; a fault
of the adapter (Broken) is kept apart from acts of the implementation itself (all others).
"""

from __future__ import annotations

from dataclasses import dataclass

from bnconform.contract.outcome import Outcome


@dataclass(frozen=True)
class NotOffered:
    """The implementation does not offer this: its adapter raised Unsupported with `reason`."""

    reason: str


@dataclass(frozen=True)
class Raised:
    """The implementation raised an exception of class `type`; `traceback` holds the adapter's frames and the last.

    names: for InputOverwritten, the arrays of the case that were written to.
    """

    type: str
    message: str
    traceback: str
    names: tuple[str, ...] = ()


@dataclass(frozen=True)
class Crashed:
    """The host process ended: `how` is a signal ("SIGABRT") or "exit status 3"; `stderr` its last 4 KiB of text."""

    how: str
    stderr: str


@dataclass(frozen=True)
class TimedOut:
    """No answer came within `seconds`, so the host process was killed."""

    seconds: float


@dataclass(frozen=True)
class Broken:
    """The adapter itself is at fault, as when it breaks the public contract; `message` names the culprit."""

    message: str


def in_words(reply: object) -> str:
    """Returns what came in place of an outcome in a few words on one line."""
    if isinstance(reply, NotOffered):
        return f"not offered: {reply.reason}"
    if isinstance(reply, Raised):
        return f"raised {reply.type}: {reply.message.strip().partition(chr(10))[0]}"
    if isinstance(reply, Crashed):
        return f"its process ended: {reply.how}"
    if isinstance(reply, TimedOut):
        return f"no answer within {reply.seconds:g} s"
    return f"the adapter is broken: {reply.message}" if isinstance(reply, Broken) else str(reply)


Reply = Outcome | NotOffered | Raised | Crashed | TimedOut | Broken
KINDS: dict[str, type] = {kind.__name__: kind for kind in (NotOffered, Raised, Crashed, TimedOut, Broken)}
