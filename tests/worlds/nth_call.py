"""A run in which the n-th call of the operating system fails, for each n: a program, which forks once for each.

    python nth_call.py KIND FIRST STEP FOLDER WORD...

It calls the command line with the words and `--out FOLDER/KIND-n`, and prints a line of JSON for each n: the number,
whether a call failed, and the exit status; what the run said stands in FOLDER/KIND-n.txt. It ends with the first run in
which none failed.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import io
import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

ERRORS = {
    "write": errno.ENOSPC,
    "open": errno.EMFILE,
    "open-anywhere": errno.EIO,
    "read": errno.EIO,
    "mkdir": errno.ENOSPC,
    "replace": errno.EACCES,
    "unlink": errno.EROFS,
    "truncate": errno.EIO,
    "lock": errno.ENOLCK,
    "spawn": errno.EAGAIN,
}


class NthCall:
    """Counts the calls of a kind; the n-th fails."""

    def __init__(self, kind: str, number: int, folder: str) -> None:
        self.kind, self.number, self.folder = kind, number, folder
        self.count = 0
        self._one = threading.Lock()

    @property
    def failed(self) -> bool:
        return self.count >= self.number

    def failing(self, call: Callable[..., Any], counts: Callable[..., bool] = lambda *_: True) -> Callable[..., Any]:
        """Returns `call`, or its failure. counts: whether a call with such arguments is one of the kind."""

        def wrapped(*arguments: Any, **named: Any) -> Any:
            if counts(*arguments):
                with self._one:
                    self.count += 1
                    fails = self.count == self.number
                if fails:
                    raise OSError(ERRORS[self.kind], os.strerror(ERRORS[self.kind]))
            return call(*arguments, **named)

        return wrapped

    def install(self) -> None:
        def here(path: Any, *_: Any) -> bool:
            return not isinstance(path, int) and os.fsdecode(path).startswith(self.folder)

        def descriptor(number: Any, *_: Any) -> bool:
            return isinstance(number, int) and number > 2

        if self.kind == "write":
            os.write = self.failing(os.write, descriptor)
        elif self.kind == "read":
            os.read = self.failing(os.read, descriptor)
            os.pread = self.failing(os.pread, descriptor)
        elif self.kind in ("open", "open-anywhere"):
            counts = here if self.kind == "open" else lambda *_: True
            os.open = self.failing(os.open, counts)
            io.open = self.failing(io.open, counts)  # what pathlib calls
        elif self.kind == "spawn":
            subprocess.Popen.__init__ = self.failing(subprocess.Popen.__init__)  # type: ignore[method-assign]
        elif self.kind == "lock":
            fcntl.flock = self.failing(fcntl.flock)
        else:
            name = {"truncate": "ftruncate"}.get(self.kind, self.kind)
            setattr(os, name, self.failing(getattr(os, name)))


def run(kind: str, number: int, folder: Path, words: list[str]) -> dict[str, Any]:
    """Returns what came of one run, in a process of its own."""
    name = f"{kind}-{number}"
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        said = os.open(folder / f"{name}.txt", os.O_WRONLY | os.O_CREAT, 0o666)
        os.dup2(said, 1)
        os.dup2(said, 2)
        tell = os.write
        nth = NthCall(kind, number, str(folder))
        nth.install()
        status = main([*words, "--out", str(folder / name)])
        sys.stdout.flush()
        tell(writing, json.dumps({"number": number, "failed": nth.failed, "status": status}).encode())
        os._exit(0)
    os.close(writing)
    with open(reading, "rb") as pipe:
        told = pipe.read()
    os.waitpid(child, 0)
    return json.loads(told) if told else {"number": number, "failed": True, "status": None}


if __name__ == "__main__":
    from bnconform.cli.main import main

    kind, first, step, folder, *words = sys.argv[1:]
    with contextlib.redirect_stdout(io.StringIO()):  # so that each of the others has all that is loaded once
        main([*words, "--out", str(Path(folder) / "first")])
    number, more = int(first), True
    while more:
        told = run(kind, number, Path(folder), words)
        print(json.dumps(told), flush=True)
        number, more = number + int(step), told["failed"]
