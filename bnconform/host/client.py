"""The parent's end of a host: starts the child process, asks it, and outlives any end of it.

Rules: every answer is that of the case just asked, or the child is killed with all that it started and never asked
again; the time that a child takes to import its framework never counts against a case. One thread at a time uses a
host.
"""

from __future__ import annotations

import os
import warnings
from types import TracebackType

from bnconform.contract.address import AdapterFailure, Address, NotInstalled
from bnconform.contract.case import Case
from bnconform.contract.errors import ContractError
from bnconform.contract.implementation import Described, Implementation
from bnconform.contract.reply import Broken, Crashed, Reply, TimedOut
from bnconform.contract.wire import pack_case, unpack, unpack_reply
from bnconform.host.loader import load
from bnconform.host.pipe import read_description, read_reply
from bnconform.host.process import ENDING, Child, Garbled, Gone, Late
from bnconform.host.server import answer

_SLOWEST_IMPORT = 120.0  # seconds


class Host:
    """An adapter in a child process, which starts when first asked and starts again after it was lost.

    timeout: seconds for one case, writable between calls. device: "cpu" or "cuda".
    """

    def __init__(self, address: Address, timeout: float = 60.0, device: str = "cpu") -> None:
        self.address, self.timeout, self.device = address, timeout, device
        self._child: Child | None = None
        self._described: list[Described] = []

    def describe(self) -> list[Described]:
        """Returns what the adapter offers; raises NotInstalled, ContractError or AdapterFailure if it does not load."""
        if not self._described:
            self._running()
        return list(self._described)

    def run(self, name: str, case: Case) -> Reply:
        """Returns what the implementation `name` made of `case`."""
        _check_known(self.address, name, self.describe())
        child = self._running()
        try:
            blob = child.ask(pack_case(case, implementation=name), self.timeout)
            return read_reply(blob, case, name) if self.address.is_program else unpack_reply(blob)
        except Late:
            self._drop()
            return TimedOut(self.timeout)
        except Gone as gone:
            self._drop()
            return Crashed(gone.how, gone.stderr)
        except Garbled as garbled:
            self._drop()
            return Broken(f"{name}: {garbled}{_said(child)}")
        except BaseException:  # an interrupt too: a late answer must not be taken for that of the next case
            self._drop()
            raise

    def close(self) -> None:
        """Ends the child process; a later call starts a new one."""
        self._drop(patience=ENDING)

    def __enter__(self) -> Host:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def _running(self) -> Child:
        if self._child is None:
            self._child = self._started()
        return self._child

    def _started(self) -> Child:
        limit = max(self.timeout, _SLOWEST_IMPORT)
        try:
            child = Child(self.address, self.device)
        except OSError as error:
            raise AdapterFailure(f"{self.address}: its host did not start: {error}; expected a Python") from error
        try:
            self._described = _described(self.address, child.ask(None, limit))
        except (Late, Gone, Garbled) as error:
            child.end()
            raise AdapterFailure(f"adapter {self.address} {_why(self.address, error, limit)}{_said(child)}") from None
        except BaseException:
            child.end()
            raise
        return child

    def _drop(self, patience: float = 0.0) -> None:
        child, self._child = self._child, None
        if child is not None:
            child.end(patience)


class InProcessHost:
    """An adapter in this very process, for a debugger and for measuring: nothing guards against a crash or a hang.

    The arguments are Host's; `timeout` has no effect, and of the environment only the device and the source's own
    variables are set.
    """

    def __init__(self, address: Address, timeout: float = 60.0, device: str = "cpu") -> None:
        self.address, self.timeout, self.device = address, timeout, device
        self._implementations: dict[str, Implementation] = {}
        self._described: list[Described] = []

    def describe(self) -> list[Described]:
        """Returns what the adapter offers; raises NotInstalled, ContractError or AdapterFailure if it does not load."""
        if not self._described:
            if self.address.python is not None:
                raise ContractError(f"{self.address} asks for the interpreter {self.address.python}; run it in a host")
            if self.address.is_program:
                raise ContractError(f"{self.address} is a program of its own; expected a call without --in-process")
            os.environ.update({"BNCONFORM_DEVICE": self.device, **dict(self.address.env)})
            self._implementations = {item.name: item for item in load(self.address)}
            self._described = [Described.of(item) for item in self._implementations.values()]
        return list(self._described)

    def run(self, name: str, case: Case) -> Reply:
        """Returns what the implementation `name` made of `case`."""
        _check_known(self.address, name, self.describe())
        with warnings.catch_warnings():  # where warnings are errors, they would count as raised by the implementation
            warnings.simplefilter("ignore")
            return answer(self._implementations[name], case, self.address.file)

    def close(self) -> None:
        """Does nothing."""

    def __enter__(self) -> InProcessHost:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()


def _described(address: Address, blob: bytes) -> list[Described]:
    if address.is_program:
        return read_description(address, blob)
    message, _ = unpack(blob)
    if message["kind"] == "NotInstalled":
        raise NotInstalled(message["needs"], str(address))
    if message["kind"] != "Described":
        raise (AdapterFailure if message["kind"] == "AdapterFailure" else ContractError)(message["message"])
    return [Described.from_json(item) for item in message["implementations"]]


def _why(address: Address, error: Late | Gone | Garbled, limit: float) -> str:
    if isinstance(error, Garbled):
        return f"does not say what it offers: {error}"
    if isinstance(error, Gone):
        when = "before it said what it offers" if address.is_program else "while it was imported"
        return f"ended its process {when} ({error.how})"
    return f"{'did not say what it offers' if address.is_program else 'was not imported'} within {limit:g} s"


def _said(child: Child) -> str:
    tail = child.tail().strip()
    return f"; it wrote\n{tail}" if tail else ""


def _check_known(address: Address, name: str, described: list[Described]) -> None:
    names = [item.name for item in described]
    if name not in names:
        raise ContractError(f"{address} has no implementation {name!r}; expected one of {names}")
