"""What stands around every command: its streams, its signals, and how it ends.

Rules: an error is one message and status 2, never 1, which says that a statement is not kept; a traceback comes only of
a mistake of bnconform's own, with what to do about it; what a stream cannot encode is written by its number; a stream
that cannot be written to ends nothing, but the call is then no success.
"""

from __future__ import annotations

import contextlib
import errno
import os
import sys
import traceback
from collections.abc import Callable, Iterator
from typing import Any

from bnconform.cli.session.interruption import INTERRUPTIONS
from bnconform.contract.errors import CallError, ContractError
from bnconform.contract.text import visible

ISSUES = "please report it with the lines above and what you typed"


def guarded(run: Callable[[], int]) -> int:
    """Returns the exit status of `run`, and 2 for whatever it raises."""
    with _tolerant() as lost:
        try:
            with INTERRUPTIONS.caught():
                status = run()
        except (CallError, ContractError) as error:
            status = _told(visible(str(error)))
        except KeyboardInterrupt:
            status = _told(f"interrupted by {INTERRUPTIONS.name or 'Ctrl-C'}")
        except BrokenPipeError:  # of no stream of ours: a program that we started
            status = _told("a pipe was closed before all was written")
        except OSError as error:
            status = _told(visible(f"{error.filename or 'the system'}: {error.strerror or error}"))
        except MemoryError:
            status = _told("there is not enough memory")
        except Exception:
            traceback.print_exc()
            status = _told(f"this is a mistake of bnconform itself; {ISSUES}")
    if lost and lost[0].errno != errno.EPIPE:  # whoever closes a pipe knows it
        try:
            _told(f"the output could not be written: {lost[0].strerror}")
        except OSError:
            _discard(sys.stderr)
    _settle(sys.stdout, sys.stderr)
    return 2 if lost else status


def _told(message: str) -> int:
    print(f"bnconform: {message}", file=sys.stderr)
    return 2


class _Stream:
    """A text stream that notes the error of its first failure and writes nothing after it."""

    def __init__(self, stream: Any, lost: list[OSError]) -> None:
        self._stream, self._lost = stream, lost

    def write(self, text: str) -> int:
        """Writes `text`, or nothing."""
        return int(self._tried(lambda: self._stream.write(text), len(text)))

    def flush(self) -> None:
        """Writes what is held back, or nothing."""
        self._tried(self._stream.flush, 0)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    def _tried(self, act: Callable[[], Any], otherwise: int) -> Any:
        if self._lost:
            return otherwise
        try:
            return act()
        except OSError as error:
            self._lost.append(error)
            return otherwise


@contextlib.contextmanager
def _tolerant() -> Iterator[list[OSError]]:
    """Lets the block write to streams that may fail; yields the errors of standard output, at most one."""
    lost: list[OSError] = []
    untold: list[OSError] = []
    before = sys.stdout, sys.stderr
    if sys.stdout is None:  # closed by the caller
        lost.append(OSError(errno.EBADF, "it is closed"))
    mine = tuple(
        _Stream(stream, errors) if stream is not None else open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115
        for stream, errors in zip(before, (lost, untold), strict=True)
    )
    for stream in before:
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")
    sys.stdout, sys.stderr = mine
    try:
        yield lost
        sys.stdout.flush()
    finally:
        sys.stdout, sys.stderr = before
        for stream, errors in zip(before, (lost, untold), strict=True):
            if errors and stream is not None:
                _discard(stream)


def _settle(*streams: Any) -> None:
    """Writes what streams still hold, or lets it go: else Python fails over it at its end, with a status of its own."""
    for stream in streams:
        try:
            if stream is not None:
                stream.flush()
        except OSError:
            _discard(stream)


def _discard(stream: Any) -> None:
    """Lets what a stream still holds go nowhere, so that Python does not fail over it at its end."""
    with contextlib.suppress(OSError, ValueError):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, stream.fileno())
        os.close(nowhere)
        stream.flush()
