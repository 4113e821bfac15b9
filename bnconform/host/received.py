"""Texts of an adapter or a program, cleaned and cut once, where they arrive; nothing behind it has to doubt them.

Rules: a character that controls a terminal or a page, that turns the direction of writing or that no file can hold
becomes U+FFFD; a text that is too long keeps its beginning, and what tells of an end, as a traceback does, its end. A
name that is asked back is not changed: one that would have to be is refused where it is stated. Source text that a
script is made of is cleaned but never cut.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from bnconform.contract.implementation import LONGEST_NAME
from bnconform.contract.outcome import Outcome
from bnconform.contract.reply import Broken, Crashed, NotOffered, Raised, Reply
from bnconform.contract.text import clipped, visible

LONGEST_REASON = 1000
"""Characters of the reason of what is not offered, at most."""
LONGEST_MESSAGE = 4096
"""Characters of a message, at most: some compilers raise with a whole program in it."""
_MOST_NAMES = 100
_KEPT_NAMES = frozenset({"name"})
"""Fields of a description by which its parts are asked."""
_SOURCES = frozenset({"snippet"})


def received(reply: Reply) -> Reply:
    """Returns `reply` with its texts cleaned and cut."""
    if isinstance(reply, NotOffered):
        return NotOffered(_text(reply.reason, LONGEST_REASON))
    if isinstance(reply, Raised):
        return Raised(
            _text(reply.type, LONGEST_NAME),
            _text(reply.message),
            clipped(visible(reply.traceback), kept="end"),
            tuple(_text(name, LONGEST_NAME) for name in reply.names[:_MOST_NAMES]),
        )
    if isinstance(reply, Crashed):
        return replace(reply, how=_text(reply.how), stderr=clipped(visible(reply.stderr), kept="end"))
    if isinstance(reply, Broken):
        return Broken(clipped(visible(reply.message)))
    return _with_printable_names(reply) if isinstance(reply, Outcome) else reply


def _with_printable_names(reply: Outcome) -> Reply:
    odd = [name for name in reply.state or () if not name.isprintable() or len(name) > LONGEST_NAME]
    if not odd:
        return reply
    return Broken(f"it returned a state with the name {_text(ascii(odd[0]), 60)}; expected printable ones of at most "
                  f"{LONGEST_NAME} characters")  # fmt: skip


def described(message: Any, field: str = "") -> Any:
    """Returns the values of a description as JSON holds them, its texts cleaned and cut."""
    if isinstance(message, str):
        if field in _KEPT_NAMES:
            return message
        return visible(message) if field in _SOURCES else _text(message)
    if isinstance(message, dict):
        inside = field if field in _SOURCES else ""
        return {_key(key): described(value, inside or str(key)) for key, value in message.items()}
    return [described(one, field) for one in message] if isinstance(message, list) else message


def _key(key: Any) -> Any:
    return _text(key, LONGEST_NAME) if isinstance(key, str) else key


def _text(text: str, longest: int = LONGEST_MESSAGE) -> str:
    return clipped(visible(clipped(text, 2 * longest)), longest)
