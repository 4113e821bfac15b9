"""The parent of a host's process: ends all that the host started, wherever that went, then ends as the host did.

Rules: it stands alone and imports the standard library only, so that it starts in milliseconds; it ends its host when
its client asks it to (SIGTERM), and of itself when the client has closed the leash or died. On Linux it adopts whatever
loses its parent, so that no change of group or session and no double fork leads away from it. Elsewhere it knows the
process group of the host alone: what leaves that group lives on. It cannot help against a host that kills it.

    python -I -S supervisor.py LEASH COMMAND [ARGUMENT...]
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import select
import signal
import sys
import time

GRACE = 2.0
"""Seconds that a host has to end by itself after its client closed the leash."""
_PR_SET_CHILD_SUBREAPER = 36
_ENDING = 5.0  # seconds in which all that is left is killed again and again, should it go on forking


def main(arguments: list[str]) -> None:
    """Runs a command until it ends or is to end. The first argument is the descriptor whose end says so."""
    leash, command = int(arguments[0]), arguments[1:]
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    woken, waker = os.pipe()
    for end in (woken, waker):
        os.set_blocking(end, False)
    signal.set_wakeup_fd(waker)
    for number in (signal.SIGCHLD, signal.SIGTERM):
        signal.signal(number, lambda *_: None)  # only a handler wakes the poll below
    host = os.fork()
    if host == 0:
        _become(command, (leash, woken, waker))
    _let_go_of_the_pipes()
    _end_as(_end_all(host, _watch(host, leash, woken)))


def _become(command: list[str], own: tuple[int, ...]) -> None:
    """Turns the forked process into the host, in a process group of its own."""
    signal.set_wakeup_fd(-1)
    for number in (signal.SIGCHLD, signal.SIGTERM, signal.SIGPIPE, signal.SIGXFSZ):  # Python ignores the last two
        signal.signal(number, signal.SIG_DFL)
    for descriptor in own:
        os.close(descriptor)
    os.setpgid(0, 0)
    try:
        os.execv(command[0], command)
    except OSError as error:
        os.write(2, f"{command[0]}: {error.strerror}\n".encode())
    os._exit(127)


def _let_go_of_the_pipes() -> None:
    """Leaves the three pipes to the host alone, so that their end tells its end."""
    nothing = os.open(os.devnull, os.O_RDWR)
    for descriptor in range(3):
        os.dup2(nothing, descriptor)


def _watch(host: int, leash: int, woken: int) -> int | None:
    """Returns the status of the host once it has ended; None where it is to be ended."""
    poller = select.poll()
    poller.register(woken, select.POLLIN)
    poller.register(leash, select.POLLIN)
    deadline: float | None = None
    while True:
        status = _reaped(host)
        if status is not None:
            return status
        left = None if deadline is None else max(0.0, deadline - time.monotonic())
        ready = {descriptor for descriptor, _ in poller.poll(None if left is None else 1000 * left)}
        if woken in ready and signal.SIGTERM in os.read(woken, 512):
            return _reaped(host)
        if leash in ready:
            poller.unregister(leash)
            deadline = time.monotonic() + GRACE
        elif deadline is not None and time.monotonic() >= deadline:
            return _reaped(host)


def _reaped(host: int) -> int | None:
    """Takes note of all children that have ended; returns the status of the host if it is among them."""
    found = None
    with contextlib.suppress(ChildProcessError):
        while True:
            pid, status = os.waitpid(-1, os.WNOHANG)
            if pid == 0:
                break
            if pid == host:
                found = status
    return found


def _end_all(host: int, status: int | None) -> int:
    """Kills the host and all that it started, until nothing is left; returns the host's status."""
    deadline = time.monotonic() + _ENDING
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(host, signal.SIGKILL)
    while time.monotonic() < deadline:
        found = _reaped(host)
        status = found if status is None else status
        left = children(os.getpid())
        if not left and status is not None:
            break
        for pid in left:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(pid, signal.SIGKILL)
        time.sleep(0.002)
    return signal.SIGKILL if status is None else status


def children(pid: int) -> list[int]:
    """Returns the processes that the first thread of `pid` is the parent of, adopted ones too; on Linux only."""
    path = f"/proc/{pid}/task/{pid}/children"
    try:
        with open(path, encoding="ascii") as file:
            return [int(pid) for pid in file.read().split()]
    except OSError:
        return []


def _end_as(status: int) -> None:
    """Ends this process in the way that `status` tells."""
    if os.WIFSIGNALED(status):
        number = os.WTERMSIG(status)
        with contextlib.suppress(OSError):  # SIGKILL has no handler
            signal.signal(number, signal.SIG_DFL)
        os.kill(os.getpid(), number)
        time.sleep(1)
        os._exit(128 + number)
    os._exit(os.WEXITSTATUS(status))


if __name__ == "__main__":
    main(sys.argv[1:])
