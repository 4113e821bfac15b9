"""The parent's end of a host: starts the child process, asks it, and outlives any end of it.

Rules: every answer is that of the case just asked, or the child is killed with all that it started and never asked
again; the time that a child takes to import its framework never counts against a case. What one implementation leaves
behind, memory above all, is not the next one's: a child that has grown large is replaced by a fresh one. A child that
does not start again is tried twice, and what was lost with it is told. One thread at a time uses a host.
"""

from __future__ import annotations

import os
import time
import warnings
from types import TracebackType
from typing import NamedTuple

from bnconform.contract.address import AdapterFailure, Address, NotInstalled
from bnconform.contract.case import Case
from bnconform.contract.errors import ContractError
from bnconform.contract.implementation import Described, Implementation
from bnconform.contract.outcome import most_bytes
from bnconform.contract.reply import Broken, Crashed, Raised, Reply, TimedOut
from bnconform.contract.text import visible
from bnconform.contract.wire import is_beside_reference, pack_case
from bnconform.host import received, usage
from bnconform.host.ends import Garbled, Gone, Late, Overfull
from bnconform.host.hello import check_known, cleaned, read_hello, said, why
from bnconform.host.loader import load
from bnconform.host.pipe import read_answer, read_reply
from bnconform.host.process import ENDING, Child
from bnconform.host.server import answer

SLOWEST_IMPORT = 120.0
"""Seconds that an adapter may take to say what it offers, unless another limit is asked for."""
_SLOWEST_RESTART = 30.0  # seconds, or ten times what the first start took
_STARTS = 2  # how often a start that fails is tried
_LOOK = 0.25  # seconds between looks at the memory of a child that answers


class _Lost(NamedTuple):
    """The latest case that cost a child: of which implementation, and how it ended."""

    name: str
    how: str
    stderr: str = ""


class Host:
    """An adapter in a child process, which starts when first asked and starts again after it was lost.

    timeout: seconds for one case, writable between calls. device: "cpu" or "cuda". memory: bytes that the child may
    hold with all that it starts; None: half of the machine's. slowest_import: seconds that it may take to start.
    beside_reference: the implementations that answered in a process that had loaded bnconform's reference.
    """

    def __init__(
        self,
        address: Address,
        timeout: float = 60.0,
        device: str = "cpu",
        *,
        memory: int | None = None,
        slowest_import: float | None = None,
    ) -> None:
        self.address, self.timeout, self.device = address, timeout, device
        self._memory = memory or usage.default_limit()
        self._slowest_import = slowest_import or SLOWEST_IMPORT
        self._child: Child | None = None
        self._described: list[Described] = []
        self._lost: _Lost | None = None
        self._failure: Exception | None = None  # of the latest start, and how many there were in a row
        self._failures = 0
        self._took = 0.0  # seconds of the first start
        self.beside_reference: set[str] = set()
        self._asked, self._held_first, self._looked, self._is_poor = "", 0, 0.0, False

    def describe(self) -> list[Described]:
        """Returns what the adapter offers; raises NotInstalled, ContractError or AdapterFailure if it does not load."""
        if not self._described:
            self._running()
        return list(self._described)

    def run(self, name: str, case: Case) -> Reply:
        """Returns what the implementation `name` made of `case`."""
        check_known(self.address, name, self.describe())
        if self._child is not None and self._is_spent(name):
            self._drop(ENDING)
        try:
            child = self._running()
        except (NotInstalled, ContractError) as error:
            return self._unstarted(name, error)
        self._asked = name
        read = read_reply if self.address.is_program else read_answer
        try:
            blob = child.ask(pack_case(case, implementation=name), self.timeout, most_bytes(case))
            reply = received.received(read(blob, case, name))
            if not self.address.is_program and is_beside_reference(blob):
                self.beside_reference.add(name)
        except (Late, Gone, Overfull, Garbled) as end:
            reply = received.received(self._reply_to(end, name, child))
            self._drop()
        except BaseException:  # an interrupt too: a late answer must not be taken for that of the next case
            self._drop()
            raise
        self._is_poor |= isinstance(reply, Raised) and reply.type == MemoryError.__name__
        return reply

    def _reply_to(self, end: Late | Gone | Overfull | Garbled, name: str, child: Child) -> Reply:
        """Returns what the end of a child says of the case that it was asked, and takes note of it."""
        if isinstance(end, Garbled):
            self._lost = _Lost(name, "it broke the protocol")
            return Broken(f"{name}: {end}{said(child)}")
        if isinstance(end, Late):
            self._lost = _Lost(name, f"no answer within {self.timeout:g} s")
            return TimedOut(self.timeout)
        how, stderr = (end.how, end.stderr) if isinstance(end, Gone) else (str(end), child.tail())
        self._lost = _Lost(name, how, stderr)
        return Crashed(how, stderr)

    def _unstarted(self, name: str, error: Exception) -> Reply:
        """Returns the reply of an implementation whose child was lost and does not start again."""
        if self._lost is None:
            return received.received(Broken(f"{self.address} did not start again: {error}"))
        if self._lost.name == name:
            return received.received(Crashed(f"{self._lost.how}, and did not start again: {error}", self._lost.stderr))
        words = f"{self.address} did not start again after {self._lost.name} had ended its process ({self._lost.how})"
        return received.received(Broken(f"{words}: {error}"))

    def _is_spent(self, name: str) -> bool:
        """Returns whether the child has grown so large that another should answer for `name`."""
        changed, now = self._asked not in ("", name), time.monotonic()
        if self._child is None or not (changed or now - self._looked > _LOOK):
            return False
        self._looked = now
        held = self._child.resident()
        grown = held - self._held_first
        if changed and (self._is_poor or grown > self._memory / 8):
            return True
        return held > self._memory / 2 and grown > self._memory / 4

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
        if self._failure is not None and self._failures >= _STARTS:
            raise self._failure
        begun, limit = time.monotonic(), max(self.timeout, self._slowest_import)
        if self._took:
            limit = min(limit, max(_SLOWEST_RESTART, 10 * self._took))
        try:
            child = self._describing(limit)
        except (NotInstalled, ContractError) as error:
            self._failure, self._failures = error, self._failures + 1
            raise
        self._took = self._took or time.monotonic() - begun
        self._failures, self._is_poor, self._held_first = 0, False, child.resident()
        return child

    def _describing(self, limit: float) -> Child:
        """Returns a new child that has said what it offers."""
        try:
            child = Child(self.address, self.device, self._memory)
        except OSError as error:
            raise AdapterFailure(f"{self.address}: its host did not start: {error}; expected a Python") from error
        try:
            self._described = read_hello(self.address, child.ask(None, limit))
        except (Late, Gone, Overfull, Garbled) as error:
            words = visible(said(child))
            child.end()
            raise AdapterFailure(f"adapter {self.address} {why(self.address, error, limit)}{words}") from None
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

    def __init__(self, address: Address, timeout: float = 60.0, device: str = "cpu", **_: object) -> None:
        self.address, self.timeout, self.device = address, timeout, device
        self.beside_reference: set[str] = set()  # in this process all are
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
            self._described = [cleaned(Described.of(item).to_json()) for item in self._implementations.values()]
        return list(self._described)

    def run(self, name: str, case: Case) -> Reply:
        """Returns what the implementation `name` made of `case`."""
        check_known(self.address, name, self.describe())
        with warnings.catch_warnings():  # where warnings are errors, they would count as raised by the implementation
            warnings.simplefilter("ignore")
            return received.received(answer(self._implementations[name], case, self.address.file))

    def close(self) -> None:
        """Does nothing."""

    def __enter__(self) -> InProcessHost:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()
