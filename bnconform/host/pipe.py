"""Answers of a program of any language over a pipe, validated like untrusted input; pipe.md documents the protocol.

Rules: a program is held to the same contract as an adapter in Python, by the same checks; fields missing from its
description have the defaults of bnconform.Implementation; bytes that break the protocol are never half read.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import fields, replace
from typing import Any

import numpy as np

from bnconform.contract.address import Address
from bnconform.contract.case import Case
from bnconform.contract.dialect import Dialect
from bnconform.contract.errors import ContractError, Unsupported
from bnconform.contract.implementation import Described, Implementation
from bnconform.contract.memory import InputOverwritten
from bnconform.contract.outcome import Outcome, check_outcome
from bnconform.contract.reply import Broken, NotOffered, Raised, Reply
from bnconform.contract.settings import ARGUMENTS, Argument, Settings
from bnconform.contract.text import on_one_line
from bnconform.contract.wire import unpack, unpack_reply
from bnconform.host.ends import Garbled
from bnconform.host.loader import checked
from bnconform.host.received import described

_LOCAL = frozenset({"memory"})
"""Features that a pipe cannot carry: on it all arrays lie in one way."""
_LOCAL_FIELDS = frozenset({"snippet", "environment"})
"""What only an adapter in Python has: a script starts a program instead, which runs in no Python of ours."""
_UNWATCHED = 'it does not say that it watched its arrays, with "watched": true in its answer'


def read_description(address: Address, blob: bytes) -> list[Described]:
    """Returns the implementations of a program, by its first frame; raises ContractError if that is no description."""
    try:
        message, _ = unpack(blob)
        items = message.get("implementations")
        if message.get("kind") != "Described" or not isinstance(items, list):
            raise ContractError(f"got {message!r:.200}; expected the kind 'Described' and a list of implementations")
        made = checked(address, [_implementation(item) for item in described(items)])
        return [replace(Described.of(one), environment={}) for one in made]
    except (ContractError, TypeError) as error:
        raise ContractError(f"{address}, its first frame: {on_one_line(str(error))}") from None


def _implementation(item: object) -> Implementation:
    values = _known(item, Described, "an implementation", but=_LOCAL_FIELDS)
    for name in _LOCAL.intersection(values.get("features", ())):
        culprit = on_one_line(str(values.get("name")))
        raise ContractError(f"{culprit:.60}: its features name {name!r:.60}, which no program can offer over a pipe")
    by_dtype = _object(values.pop("by_dtype", {}), "by_dtype")
    values["by_dtype"] = {dtype: _dialect(dialect) for dtype, dialect in by_dtype.items()}
    settings = None if values.get("settings") is None else _settings(values["settings"])
    values |= {"dialect": _dialect(values.get("dialect", {})), "settings": settings}
    return Implementation(run=_elsewhere, **{"name": None, **values})


def _dialect(item: object) -> Dialect:
    values = _known(item, Dialect, "a dialect")
    links = _object(values.get("links", {}), "links")
    if not all(isinstance(url, str) for url in links.values()):
        raise ContractError(f"got links {links!r:.200}; expected an address for each field")
    return Dialect(**values)


def _settings(item: object) -> Settings:
    values = _known(item, Settings, "settings")
    stated = [name for name in ARGUMENTS if values.get(name) is not None]
    return Settings(**{**values, **{name: Argument(**_known(values[name], Argument, name)) for name in stated}})


def _known(item: object, kind: type, what: str, but: frozenset[str] = frozenset()) -> dict[str, Any]:
    values, names = _object(item, what), [field.name for field in fields(kind) if field.name not in but]
    for name in values:
        if name not in names:
            raise ContractError(f"got {name!r:.60} in {what}; expected some of {', '.join(names)}")
    return values


def _object(item: object, what: str) -> dict[str, Any]:
    if not isinstance(item, Mapping):
        raise ContractError(f"got {item!r:.60} for {what}; expected a JSON object")
    return dict(item)


def _elsewhere(case: Case) -> Outcome:
    raise Unsupported("it runs in a program of its own")


def read_reply(blob: bytes, case: Case, name: str) -> Reply:
    """Returns the program's answer to `case` for the implementation `name`; raises Garbled for no such answer.

    A watched case counts as watched only where the program says that it did: its arrays are copies of its own.
    """
    reply = read_answer(blob, case, name)
    if isinstance(reply, Outcome):
        watched = not case.watched or unpack(blob)[0].get("watched") is True
        return reply if watched else NotOffered(_UNWATCHED)
    if not isinstance(reply, NotOffered | Raised | Broken) or not _has_texts(reply):
        raise Garbled(f"got {reply!r:.200}; expected an Outcome, or NotOffered or Raised with texts")
    return _with_names(reply, case) if isinstance(reply, Raised) else reply


def read_answer(blob: bytes, case: Case, name: str) -> Reply:
    """Returns the answer of a host to `case`, held to the contract; raises Garbled for no answer.

    What a host in Python has checked is checked here once more: what an adapter returns may lie there.
    """
    try:
        reply = unpack_reply(blob)
    except ContractError as error:
        raise Garbled(str(error)) from None
    return _held_to_the_contract(reply, case, name) if isinstance(reply, Outcome) else reply


def _has_texts(reply: NotOffered | Raised | Broken) -> bool:
    values = dict(vars(reply))
    return all(isinstance(text, str) for text in (*values.pop("names", ()), *values.values()))


def _with_names(reply: Raised, case: Case) -> Raised:
    """Returns the reply with the names of overwritten arrays, which a program may send as its message alone."""
    if reply.type != InputOverwritten.__name__ or reply.names:
        return reply
    arrays = {name for name, value in vars(case).items() if isinstance(value, np.ndarray)}
    return replace(reply, names=tuple(word for word in re.findall(r"\w+", reply.message) if word in arrays))


def _held_to_the_contract(reply: Outcome, case: Case, name: str) -> Reply:
    try:
        return check_outcome(case, reply, name)
    except ContractError as error:
        return Broken(str(error))
