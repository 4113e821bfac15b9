"""The child process: loads one adapter and answers cases over pipes until its client closes them.

Rules: it imports only the light half of the package; standard output carries the protocol alone, even if a framework
prints; failures of the implementation and mistakes of the adapter are kept apart; it never outlives its client.

    python -m bnconform.host.server TARGET named|installed
"""

from __future__ import annotations

import atexit
import faulthandler
import io
import os
import re
import resource
import select
import signal
import sys
import threading
import time
import traceback
from typing import Any

from bnconform.contract.address import AdapterFailure, Address, NotInstalled
from bnconform.contract.case import Case
from bnconform.contract.errors import ContractError, Unsupported
from bnconform.contract.implementation import Described, Implementation
from bnconform.contract.memory import InputOverwritten, handed_over
from bnconform.contract.outcome import check_outcome
from bnconform.contract.reply import Broken, NotOffered, Raised, Reply
from bnconform.contract.text import clipped
from bnconform.contract.wire import pack, pack_reply, receive, send, unpack_case
from bnconform.host.loader import load
from bnconform.host.received import LONGEST_MESSAGE, received

_PACKAGE = os.path.dirname(os.path.dirname(os.path.realpath(__file__))) + os.sep
_REFERENCE = "bnconform.oracle"
"""What no adapter needs: an answer that comes from it is the judge's own."""
_BUGS = (NameError, AttributeError, ImportError, SyntaxError)
_WRONG_CALL = re.compile(
    r"unexpected keyword|positional argument|required .*argument|multiple values for|unsupported operand"
    r"|not (callable|subscriptable|iterable)|incompatible function arguments|takes (no|at most|exactly|from|\d+) "
)
_GRACE = 2.0  # seconds that a host has to end by itself after its client closed the pipes


def answer(implementation: Implementation, case: Case, adapter_file: str, *, hosted: bool = False) -> Reply:
    """Runs `case` and returns the reply; `adapter_file` is the path that tells the adapter's own frames.

    hosted: whether this process is the adapter's own, so that an interrupt is of its making too.
    """
    try:
        return check_outcome(case, handed_over(implementation.run, case), implementation.name)
    except Unsupported as refusal:
        return NotOffered(_text_of(refusal))
    except ContractError as error:
        return Broken(_text_of(error))
    except BaseException as error:
        if isinstance(error, KeyboardInterrupt) and not hosted:
            raise
        return _classified(error, implementation, adapter_file)


def _classified(error: BaseException, implementation: Implementation, adapter_file: str) -> Reply:
    own = {os.path.realpath(path) for path in (adapter_file, _file_of(implementation.run)) if path}
    frames = traceback.extract_tb(error.__traceback__)
    name, message = type(error).__name__, _text_of(error)
    if _is_own(frames[-1], own) and _is_bug(error, message):
        where = f"{_short(frames[-1].filename)}, line {frames[-1].lineno}"
        culprit = f"{implementation.name}: {name} in the adapter's own code, {where}"
        return Broken(f"{culprit}: {message}; correct the adapter")
    # The first two are `answer` and `handed_over`.
    kept = [frame for frame in frames[2:] if _is_own(frame, own) or frame is frames[-1]]
    text = "".join(f'  File "{_short(f.filename)}", line {f.lineno}, in {f.name}\n    {f.line}\n' for f in kept)
    names = error.names if isinstance(error, InputOverwritten) else ()
    return Raised(name, message, f"{text}{name}: {message}", names)


def _text_of(error: BaseException) -> str:
    """The message of an exception, whatever its own idea of a text is."""
    try:
        return clipped(str(error), LONGEST_MESSAGE)
    except BaseException as other:
        return f"(its message cannot be read: that raises {type(other).__name__})"


def _is_bug(error: BaseException, message: str) -> bool:
    if isinstance(error, TypeError):
        return bool(_WRONG_CALL.search(message))
    # Only the case's arrays are read-only, and writing to them is forbidden.
    return isinstance(error, _BUGS) or (isinstance(error, ValueError) and "read-only" in message)


def _is_own(frame: traceback.FrameSummary, own: set[str]) -> bool:
    path = os.path.realpath(frame.filename)
    return path in own or path.startswith(_PACKAGE)


def _file_of(function: Any) -> str:
    """The file that `function` was written in, seen through partials and decorators; "" if it has none."""
    while True:
        inner = getattr(function, "func", None) or getattr(function, "__wrapped__", None)
        if inner is None:
            break
        function = inner
    code = getattr(getattr(function, "__func__", function), "__code__", None)
    return str(getattr(code, "co_filename", ""))


def _short(path: str) -> str:
    """The path below the folder that it was imported from, which reads the same on every machine."""
    roots = [root for root in (*sys.path, os.path.dirname(_PACKAGE[:-1])) if root and path.startswith(root + os.sep)]
    return os.path.relpath(path, max(roots, key=len)) if roots else os.path.basename(path)


def main(arguments: list[str]) -> None:
    """Serves the adapter that `arguments` name, [target, "named" or "installed"], until standard input ends."""
    if len(arguments) != 2:
        sys.exit(f"got {len(arguments)} arguments; expected: python -m bnconform.host.server TARGET named|installed")
    target, how = arguments
    requests, replies = _private_pipes()
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))  # a crash is an answer, not a reason to write a core file
    faulthandler.enable()
    threading.Thread(target=_end_with_the_client, args=(requests,), daemon=True).start()
    serve(Address(target=target, namespace="", named=how == "named"), requests, replies)
    _leave()


def serve(address: Address, requests: int, replies: int) -> None:
    """Loads the adapter, reports on that, then answers one case after the other until `requests` ends."""
    implementations: dict[str, Implementation] = {}
    try:
        implementations = {item.name: item for item in load(address)}
        described = [Described.of(item).to_json() for item in implementations.values()]
        hello: dict[str, Any] = {"kind": "Described", "implementations": described}
    except NotInstalled as error:
        hello = {"kind": "NotInstalled", "needs": error.needs}
    except ContractError as error:
        kind = "AdapterFailure" if isinstance(error, AdapterFailure) else "ContractError"
        hello = {"kind": kind, "message": str(error)}
    send(replies, pack(hello, {}))
    while (blob := receive(requests)) is not None:
        case, metadata = unpack_case(blob)
        asked = implementations[metadata["implementation"]]
        send(replies, _packed(answer(asked, case, address.file, hosted=True), asked.name))


def _packed(reply: Reply, name: str) -> bytes:
    """The bytes of a reply; where the arrays of an adapter are not what they seem, that is told in its place."""
    try:
        return pack_reply(received(reply), beside_reference=_REFERENCE in sys.modules)
    except Exception as error:
        why = f"{type(error).__name__}: {_text_of(error)}"
        return pack_reply(received(Broken(f"{name} returned what cannot be sent ({why}); expected plain arrays")))


def _leave() -> None:
    """Ends the process without taking the interpreter apart, which costs large frameworks one to two seconds."""
    try:
        atexit._run_exitfuncs()
        sys.stdout.flush()
        sys.stderr.flush()
    finally:
        _end_all()


def _private_pipes() -> tuple[int, int]:
    """Moves the protocol away from descriptors 0 and 1, where prints, even those of C code, would corrupt it."""
    requests, replies = os.dup(0), os.dup(1)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    os.dup2(2, 1)
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(line_buffering=True)  # so that a crash does not swallow what was printed before
    return requests, replies


def _end_with_the_client(requests: int) -> None:
    """Ends this process and those that it started when the client closes its end of the pipe or dies."""
    poller = select.poll()
    poller.register(requests, 0)  # no events asked for: only the hang-up is reported
    poller.poll()
    time.sleep(_GRACE)
    _end_all()


def _end_all() -> None:
    if os.getpgrp() == os.getpid():  # started by a client: what else is in the group was started from here
        os.killpg(os.getpid(), signal.SIGKILL)
    os._exit(0)


if __name__ == "__main__":
    main(sys.argv[1:])
