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
    """The host process ended: `how` is a signal ("SIGABRT") or "exit status 3"; `stderr` its last 4 KiB of text.

    shown, asked: in how many calls of the same case it did, each in a fresh host, and of how many; fewer than all is
    flaky. before: so many cases had ended it, one and all, that this one was not asked any more; 0: it was asked.
    """

    how: str
    stderr: str
    shown: int = 1
    asked: int = 1
    before: int = 0


@dataclass(frozen=True)
class TimedOut:
    """No answer came within `seconds`, so the host process was killed; the other fields are those of Crashed."""

    seconds: float
    shown: int = 1
    asked: int = 1
    before: int = 0


@dataclass(frozen=True)
class Broken:
    """The adapter itself is at fault, as when it breaks the public contract; `message` names the culprit."""

    message: str


def in_words(reply: object) -> str:
    """Returns what came in place of an outcome in a few words on one line."""
    if isinstance(reply, NotOffered):
        return f"not offered: {reply.reason}"
    if isinstance(reply, Raised):
        message = reply.message.strip().partition("\n")[0]
        return f"raised {reply.type}: {message}" if message else f"raised {reply.type}, without a message"
    if isinstance(reply, Crashed):
        return f"its process ended: {reply.how}{_repeated(reply)}"
    if isinstance(reply, TimedOut):
        return f"no answer within {reply.seconds:g} s{_repeated(reply)}"
    return f"the adapter is broken: {reply.message}" if isinstance(reply, Broken) else str(reply)


def _repeated(reply: Crashed | TimedOut) -> str:
    if reply.before:
        return f"; not asked again after {reply.before} {'hangs' if isinstance(reply, TimedOut) else 'crashes'}"
    if reply.shown == reply.asked:
        return ""
    return f", in {reply.shown} of {reply.asked} calls of the same case"


Reply = Outcome | NotOffered | Raised | Crashed | TimedOut | Broken
KINDS: dict[str, type] = {kind.__name__: kind for kind in (NotOffered, Raised, Crashed, TimedOut, Broken)}
