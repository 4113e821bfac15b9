"""A host's process as its client sees it: three pipes, a deadline, and an end.

Rules: every wait has a deadline and drains standard error meanwhile, so that nothing deadlocks, however large a
message; time in which this process itself stood still is nobody's, and the pipe is looked into once more before an
answer is called late; one frame answers one frame, no longer than it may be, and anything that is not a frame ends the
process; processes that a child started end with it, as supervisor.py says where. Memory is watched, as usage.py says
where. A host is this package in some Python, or a program of any language. POSIX only.
"""

from __future__ import annotations

import contextlib
import errno
import os
import re
import select
import signal
import subprocess
import sys
import time

from bnconform.contract.address import Address
from bnconform.contract.wire import framed
from bnconform.host import supervisor, usage
from bnconform.host.ends import Garbled, Gone, Late, Overfull

_FOLDER = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))  # of the package
# Loads this very bnconform from its folder, whatever the interpreter: PYTHONPATH would bring along all that is
# installed beside it, for another Python. The current folder goes off the path, lest it hide a framework.
_BOOT = """
import importlib.util, sys
folder = sys.argv.pop(1)
sys.path[:] = [entry for entry in sys.path if entry]
spec = importlib.util.spec_from_file_location("bnconform", folder + "/__init__.py", submodule_search_locations=[folder])
sys.modules["bnconform"] = package = importlib.util.module_from_spec(spec)
spec.loader.exec_module(package)
from bnconform.host.server import main
main(sys.argv[1:])
"""
_DEFAULTS = {
    "OMP_NUM_THREADS": "1",
    "TF_CPP_MIN_LOG_LEVEL": "3",
    "JAX_ENABLE_X64": "1",
    "JAX_TRACEBACK_FILTERING": "off",  # a filtered traceback would end in the adapter, which is then blamed
}
_BARE = 'ulimit -c 0; exec "$@"'  # a crash is an answer, not a reason to write a core file
_LARGEST = 1 << 40  # bytes of a frame: six letters of text, read as a length, are more
LARGEST_DESCRIPTION = 1 << 24
"""Bytes of the frame in which an adapter describes itself, at most."""
_BRACE = b"{"  # with which the header of a safetensors blob begins, behind its own length
_TICK = 0.25  # seconds between looks whether the child still lives: its own children may hold its pipes open
_OVERTIME = 1.0  # seconds that an answer which is arriving when its time is over may take
_WEIGHED = 1.0  # seconds between looks at the memory of all that a child started
ENDING = 3.0  # seconds that a child has to end by itself, a little more than it gives itself
_TAIL, _KEPT = 4096, 65536  # bytes of standard error that are shown, and kept


def _command(address: Address) -> list[str]:
    if address.is_program:
        return ["/bin/sh", "-c", _BARE, "sh", *address.program]
    how = "named" if address.named else "installed"
    return [address.python or sys.executable, "-c", _BOOT, _FOLDER, address.target, how]


class Child:
    """One child process and its three pipes. memory: bytes that it may hold, with all that it starts."""

    def __init__(self, address: Address, device: str, memory: int | None = None) -> None:
        pipe, variables = subprocess.PIPE, environment(address, device)
        self._memory, self._host = memory or usage.default_limit(), 0
        command = _command(address)
        if not os.access(command[0], os.X_OK):
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), command[0])
        held, self._leash = os.pipe()
        command = [sys.executable, "-I", "-S", supervisor.__file__, str(held), *command]
        try:
            self._process = subprocess.Popen(
                command, 0, stdin=pipe, stdout=pipe, stderr=pipe, env=variables, start_new_session=True, pass_fds=[held]
            )
        except BaseException:
            os.close(self._leash)
            raise
        finally:
            os.close(held)
        files = (self._process.stdin, self._process.stdout, self._process.stderr)
        self._pipes = [file for file in files if file is not None]
        self._stdin, self._stdout, self._stderr = (file.fileno() for file in self._pipes)
        for file in self._pipes:
            os.set_blocking(file.fileno(), False)
        self._said = bytearray()
        own = "|".join(re.escape(os.path.dirname(path)) for path in (_FOLDER, address.target) if os.path.isabs(path))
        self._frame = re.compile(rf'File "({own}|[^"\n]*/(site-packages|dist-packages|python3\.\d+))/')
        self._poller = select.poll()
        self._poller.register(self._stdout, select.POLLIN)
        self._poller.register(self._stderr, select.POLLIN)

    def ask(self, blob: bytes | None, limit: float, most: int = LARGEST_DESCRIPTION) -> bytes:
        """Sends `blob`, if any, and returns the answer, of at most `most` bytes.

        Raises Late after `limit` seconds, Gone if the child ends, Overfull if it holds too much memory, and Garbled for
        anything but one frame.
        """
        if blob is not None:
            self._expect_silence()
        pending = memoryview(b"" if blob is None else framed(blob))
        got = bytearray()
        if pending:
            self._poller.register(self._stdin, select.POLLOUT)
        left, before, weighed = limit, time.monotonic(), time.monotonic()
        while len(got) < 8 or len(got) < 8 + _length(got, most):
            over = left <= 0
            ready = [descriptor for descriptor, _ in self._poller.poll(0 if over else 1000 * min(left, _TICK))]
            now = time.monotonic()
            left, before = left - min(now - before, 2 * _TICK), now  # more than that this process stood still itself
            if over and (self._stdout not in ready or left < -_OVERTIME):
                raise Late
            if not ready and self._process.poll() is not None:
                raise self._gone()
            if not ready:
                self._weigh(self.resident())
            if now - weighed > _WEIGHED:
                self._weigh(usage.held(self._process.pid, self._memory))
                weighed = time.monotonic()
            if self._stderr in ready and not self._listen():
                self._poller.unregister(self._stderr)
            if self._stdin in ready:
                pending = self._write(pending)
            if self._stdout in ready:
                self._read_into(got)
        if len(got) > 8 + _length(got, most):
            raise Garbled(f"it wrote more than the {_length(got, most)} bytes of its frame; expected one per answer")
        return bytes(memoryview(got)[8:])

    def resident(self) -> int:
        """Returns the bytes that the child itself holds; 0 where nobody knows."""
        if not self._host:
            self._host = next(iter(supervisor.children(self._process.pid)), 0)
        return usage.resident(self._host) if self._host else 0

    def _weigh(self, held: int) -> None:
        if held > self._memory:
            raise Overfull(f"it used more than {usage.in_words(self._memory)} of memory, the most that a host may use")

    def _expect_silence(self) -> None:
        with contextlib.suppress(BlockingIOError):
            data = os.read(self._stdout, 64)
            if not data:
                raise self._gone()
            raise Garbled(f"it wrote {data[:20]!r} before it was asked; expected one frame per answer")

    def _write(self, pending: memoryview) -> memoryview:
        try:
            pending = pending[os.write(self._stdin, pending) :]
        except BrokenPipeError:
            raise self._gone() from None
        if not pending:
            self._poller.unregister(self._stdin)
        return pending

    def _read_into(self, got: bytearray) -> None:
        data = os.read(self._stdout, 1 << 20)
        if not data:
            raise self._gone()
        got += data

    def _listen(self) -> bool:
        """Takes the contents of standard error; returns whether there may be more."""
        try:
            data = os.read(self._stderr, _KEPT)
        except BlockingIOError:
            return False
        self._said += data
        del self._said[:-_KEPT]
        return bool(data)

    def _gone(self) -> Gone:
        how = "closed its pipe but did not end"
        try:
            status = self._process.wait(ENDING)
            how = signal.Signals(-status).name if status < 0 else f"exit status {status}"
        except subprocess.TimeoutExpired:
            pass
        self._kill()  # all that may still write, before the rest is read
        while self._listen():
            pass
        return Gone(how, self.tail())

    def tail(self) -> str:
        """Returns the last 4 KiB that the child wrote to standard error, its paths as on any machine."""
        lines = bytes(self._said).splitlines(keepends=True)
        # faulthandler ends with the names of all loaded extension modules, which alone can fill the tail.
        text = b"".join(line for line in lines if not line.startswith(b"Extension modules: "))
        return self._frame.sub('File "', text.decode(errors="replace")).encode()[-_TAIL:].decode(errors="replace")

    def end(self, patience: float = 0.0) -> None:
        """Kills the child and all that it started; gives it `patience` seconds to end by itself first."""
        for file in self._pipes:
            file.close()
        if self._leash >= 0:
            os.close(self._leash)
            self._leash = -1
        try:
            if patience:
                self._process.wait(patience)
        except subprocess.TimeoutExpired:
            pass
        finally:
            self._kill()

    def _kill(self) -> None:
        """Has the supervisor kill what is left, and kills the supervisor if it does not end."""
        try:
            self._process.terminate()
            self._process.wait(2 * ENDING)
        except subprocess.TimeoutExpired:
            pass
        finally:
            with contextlib.suppress(ProcessLookupError, PermissionError):  # macOS says the latter of one that ended
                os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()


def _length(got: bytearray, most: int) -> int:
    length = int.from_bytes(got[:8], "little")
    if length > _LARGEST or got[16:17] not in (b"", _BRACE):
        expected = "expected a frame: 8 bytes that are its length, then a safetensors blob"
        raise Garbled(f"it wrote {bytes(got[:20])!r}; {expected}")
    if length > most:
        raise Garbled(f"it announced a frame of {length:,} bytes; expected at most {most:,}")
    return length


def environment(address: Address, device: str) -> dict[str, str]:
    """Returns the environment variables of a host: the user's own, then defaults for what they leave open."""
    forced = {"BNCONFORM_DEVICE": device}
    defaults = dict(_DEFAULTS)
    if device == "cpu":
        forced["CUDA_VISIBLE_DEVICES"] = ""
        defaults["JAX_PLATFORMS"] = "cpu"
    return {**defaults, **os.environ, **forced, **dict(address.env)}
