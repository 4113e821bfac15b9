"""A world for tests of hosts: an adapter of a few lines, a small case, and patience."""

from __future__ import annotations

import fcntl
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from bnconform import Case, Outcome
from bnconform.contract.address import Address, named_address
from bnconform.contract.reply import Reply
from bnconform.host.client import Host, InProcessHost

HEAD = """
import ctypes, os, signal, subprocess, sys, time
import numpy as np
from bnconform import Implementation, Outcome, Unsupported
"""
TAIL = """
IMPLEMENTATIONS = [Implementation(name="bn." + name, run=function, version="1.2", dtypes={"float32", "bfloat16"},
                                  opt_in=hasattr(function, "opt_in"))
                   for name, function in list(globals().items()) if getattr(function, "__module__", "") == __name__]
"""
ANY_HOST = pytest.mark.parametrize("kind", [Host, InProcessHost])
SOON = 20.0  # seconds within which anything here has to happen, on a busy machine too


def adapter(folder: Path, functions: str, name: str = "adapter.py") -> Address:
    path = folder / name
    path.write_text(HEAD + functions + TAIL, encoding="utf-8")
    return named_address(str(path))


def make(shape: tuple[int, ...] = (3, 2), dtype: str = "float32") -> Case:
    x = np.arange(np.prod(shape), dtype=np.float64).reshape(shape).astype(dtype)
    return Case(mode="train", x=x, gamma=None, beta=None, running_mean=None, running_var=None, eps=0.0, momentum=0.1)


def echoes(reply: Reply, case: Case) -> bool:
    return isinstance(reply, Outcome) and reply.y is not None and reply.y.tobytes() == case.x.tobytes()


def wait_for(condition: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + SOON
    while not condition():
        assert time.monotonic() < deadline, f"waited {SOON} s in vain until {what}"
        time.sleep(0.02)


def is_locked(path: Path) -> bool:
    """Whether a living process holds the lock on `path`: a zombie, which still has its number, holds none."""
    with open(path, "a") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False


ECHO = "def echo(case): return Outcome(y=case.x)\n"
LOCK = """
import fcntl
def hold(path):
    file = open(path, "w")
    fcntl.flock(file, fcntl.LOCK_EX)
    return file
"""
