"""The first thing that a host says: what it offers, or why it offers nothing.

Rules: every way of not saying it is one exception, whose message names the adapter.
"""

from __future__ import annotations

from typing import Any

from bnconform.contract.address import AdapterFailure, Address, NotInstalled
from bnconform.contract.errors import ContractError
from bnconform.contract.implementation import Described
from bnconform.contract.text import clipped, visible
from bnconform.contract.wire import unpack
from bnconform.host import received
from bnconform.host.ends import Garbled, Gone, Late, Overfull
from bnconform.host.pipe import read_description
from bnconform.host.process import Child


def read_hello(address: Address, blob: bytes) -> list[Described]:
    """Returns what a host offers, by its first frame; raises NotInstalled, ContractError or AdapterFailure."""
    if address.is_program:
        return read_description(address, blob)
    message, _ = unpack(blob)
    if message["kind"] == "NotInstalled":
        raise NotInstalled(message["needs"], str(address))
    if message["kind"] != "Described":
        kind = AdapterFailure if message["kind"] == "AdapterFailure" else ContractError
        raise kind(clipped(visible(str(message.get("message")))))
    return [cleaned(item) for item in message["implementations"]]


def cleaned(item: dict[str, Any]) -> Described:
    """Returns a description from its values as JSON, with its texts cleaned and cut."""
    return Described.from_json(received.described(item))


def why(address: Address, error: Late | Gone | Overfull | Garbled, limit: float) -> str:
    """Returns in words why a host did not say what it offers."""
    if isinstance(error, Overfull):
        return f"was ended before it said what it offers: {error}"
    if isinstance(error, Garbled):
        return f"does not say what it offers: {error}"
    if isinstance(error, Gone):
        when = "before it said what it offers" if address.is_program else "while it was imported"
        return f"ended its process {when} ({error.how})"
    return f"{'did not say what it offers' if address.is_program else 'was not imported'} within {limit:g} s"


def said(child: Child) -> str:
    """Returns what a child last wrote to standard error, as the end of a message."""
    tail = child.tail().strip()
    return f"; it wrote\n{tail}" if tail else ""


def check_known(address: Address, name: str, described: list[Described]) -> None:
    """Raises ContractError for an implementation that the adapter does not offer."""
    names = [item.name for item in described]
    if name not in names:
        raise ContractError(f"{address} has no implementation {name!r}; expected one of {names}")
