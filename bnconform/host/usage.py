"""The memory that a host and all that it started hold, as Linux tells it, and how much that may be.

Rules: what is counted is memory in use: a limit of addresses would hit frameworks that reserve far more than they use.
Pages that processes share are counted once. Elsewhere than on Linux nothing is known, so that nothing is limited.
"""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

GIB = 1 << 30
_PROC = Path("/proc")
_PAGE = os.sysconf("SC_PAGE_SIZE")
_OF_THE_GROUP = Path("/sys/fs/cgroup/memory.max")


def default_limit() -> int:
    """Returns half of the memory that this machine, or the container that it is, has for all processes together."""
    found = [os.sysconf("SC_PHYS_PAGES") * _PAGE]
    with contextlib.suppress(OSError, ValueError):  # it reads "max" where there is no limit
        found.append(int(_OF_THE_GROUP.read_text(encoding="ascii")))
    return min(found) // 2


def resident(pid: int) -> int:
    """Returns the bytes of memory that a process holds; 0 where nobody knows."""
    try:
        return int((_PROC / str(pid) / "statm").read_bytes().split()[1]) * _PAGE
    except (OSError, IndexError, ValueError):
        return 0


def held(root: int, limit: int) -> int:
    """Returns the bytes that a process and all below it hold; exact only where their sum is above `limit`, since
    counting shared pages once takes long."""
    family = _family(root)
    total = sum(map(resident, family))
    return total if total <= limit or len(family) == 1 else sum(map(_proportional, family))


def _family(root: int) -> list[int]:
    """Returns a process and all that it started, directly or not."""
    parents: dict[int, list[int]] = {}
    with contextlib.suppress(OSError):
        for name in os.listdir(_PROC):
            if name.isdigit():
                parents.setdefault(_parent(name), []).append(int(name))
    found = [root]
    for pid in found:
        found += parents.get(pid, [])
    return found


def _parent(pid: str) -> int:
    try:
        stat = (_PROC / pid / "stat").read_bytes()
    except OSError:
        return 0
    return int(stat[stat.rindex(b")") + 2 :].split()[1])  # behind the name, which may hold anything


def _proportional(pid: int) -> int:
    try:
        lines = (_PROC / str(pid) / "smaps_rollup").read_bytes().splitlines()
    except OSError:
        return resident(pid)
    return next((int(line.split()[1]) * 1024 for line in lines if line.startswith(b"Pss:")), 0)


def in_words(size: float) -> str:
    """Returns a number of bytes as a message tells it."""
    return f"{size / GIB:.3g} GiB"
