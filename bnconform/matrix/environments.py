"""The environments of cells: made by uv, or by venv and pip, kept by what they are made of, removed when they are many.

Rules: an environment is known by its requirements and its Python, so that equal ones are made once; one that was not
finished is made anew; before one is made the disk is looked at; of those that are not in use the one that was used
least recently goes first. What cannot be made is told in one message, with the installer's own last words.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

from bnconform.matrix.cells import Cell

GIB = 2**30
DONE = "bnconform.json"
"""The file of an environment that is finished: what it is made of, its size and when it was used."""
SPARE = 1 * GIB
"""Bytes that stay free on the disk, beside what a new environment takes."""
USUAL = 1 * GIB
"""Bytes that an environment of unknown size is taken for."""
LIMIT = 3600.0
"""Seconds that an installer may take."""
_LAST = 600
"""Characters of an installer's last words."""


class NotBuilt(Exception):
    """An environment that could not be made; the message says why."""


@dataclass(frozen=True)
class Environment:
    """One that is ready. python: its interpreter; size: bytes; seconds: that it took to make, 0 where it was there."""

    python: Path
    size: int
    seconds: float = 0.0


class Environments:
    """The environments below a folder. most: bytes of all of them together."""

    def __init__(self, folder: Path, most: int) -> None:
        self.folder, self.most = folder, most

    @contextlib.contextmanager
    def of(self, cell: Cell) -> Iterator[Environment]:
        """Makes the environment of a cell, or takes the one that is there, and holds it; raises NotBuilt."""
        with self._held(self.folder / named(cell), wait=True) as place:
            yield self._ready(place, cell)

    def _ready(self, place: Path, cell: Cell) -> Environment:
        python, known = place / "bin" / "python", _read(place / DONE)
        begun = time.monotonic()
        if not known or not python.exists():
            shutil.rmtree(place, ignore_errors=True)
            self._make_room(cell)
            try:
                _make(place, cell)
            except BaseException:
                shutil.rmtree(place, ignore_errors=True)
                raise
            known = {"requirements": list(cell.requirements), "python": cell.python, "bytes": _size(place)}
            known["seconds"] = round(time.monotonic() - begun, 1)
            fresh = time.monotonic() - begun
        else:
            fresh = 0.0
        (place / DONE).write_text(json.dumps({**known, "used": time.time()}), encoding="utf-8")
        return Environment(python.absolute(), int(known["bytes"]), fresh)

    def _make_room(self, cell: Cell) -> None:
        """Removes what is beyond the limit; raises NotBuilt where the disk has too little left even so."""
        wanted = cell.megabytes * 10**6 if cell.megabytes else USUAL
        self.folder.mkdir(parents=True, exist_ok=True)
        for place in self._oldest_first():
            free = shutil.disk_usage(self.folder).free
            if self.size() + wanted <= self.most and free >= wanted + SPARE:
                break
            with contextlib.suppress(BlockingIOError), self._held(place, wait=False):
                shutil.rmtree(place, ignore_errors=True)
        free = shutil.disk_usage(self.folder).free
        if free < wanted + SPARE:
            need = (wanted + SPARE) / GIB
            raise NotBuilt(
                f"{free / GIB:.1f} GiB are free on the disk; expected {need:.1f}, of which the environment takes about "
                f"{wanted / GIB:.1f}: make room, or move --environments"
            )

    def size(self) -> int:
        """Returns the bytes of the environments that are finished."""
        return sum(int(_read(path).get("bytes", 0)) for path in self.folder.glob(f"*/{DONE}"))

    def _oldest_first(self) -> list[Path]:
        found = [path.parent for path in self.folder.glob(f"*/{DONE}")]
        return sorted(found, key=lambda place: float(_read(place / DONE).get("used", 0.0)))

    @contextlib.contextmanager
    def _held(self, place: Path, *, wait: bool) -> Iterator[Path]:
        """Holds an environment, lest another process makes or removes it; BlockingIOError where another holds it."""
        self.folder.mkdir(parents=True, exist_ok=True)
        lock = os.open(place.with_name(f"{place.name}.lock"), os.O_RDWR | os.O_CREAT, 0o666)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
            yield place
        finally:
            os.close(lock)


def named(cell: Cell) -> str:
    """Returns the name of a cell's environment, the same for the same contents."""
    contents = [cell.python, sorted(cell.requirements), cell.options]
    return f"{cell.framework}_{cell.version}_{sha256(json.dumps(contents).encode()).hexdigest()[:10]}"


def _make(place: Path, cell: Cell) -> None:
    uv = shutil.which("uv")
    if uv is not None:
        _call([uv, "venv", "-q", "--python", cell.python, str(place)], f"uv found no Python {cell.python}")
        command = [uv, "pip", "install", "-q", "--python", str(place / "bin" / "python")]
    else:
        python = interpreter(cell.python)
        _call([python, "-m", "venv", "--without-pip", str(place)], f"{Path(python).name} could make no environment")
        command = [sys.executable, "-m", "pip", "--python", str(place / "bin" / "python"), "install", "-q"]
        command += ["--disable-pip-version-check", "--no-input"]
    _call([*command, *cell.options, *cell.requirements], f"{' '.join(cell.requirements)} could not be installed")


def interpreter(version: str) -> str:
    """Returns the interpreter of a version, such as '3.10'; raises NotBuilt where there is none on the path."""
    if version == f"{sys.version_info.major}.{sys.version_info.minor}":
        return sys.executable
    found = shutil.which(f"python{version}")
    if found is None:
        raise NotBuilt(f"there is no python{version} on the path; install it, or install uv, which can fetch it")
    return found


def _call(command: list[str], what: str) -> None:
    try:
        done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, errors="replace",
                              timeout=LIMIT, check=False, start_new_session=True)  # fmt: skip
    except (OSError, subprocess.TimeoutExpired) as error:
        why = f"it took more than {LIMIT:g} s" if isinstance(error, subprocess.TimeoutExpired) else error.strerror
        raise NotBuilt(f"{what}: {why}") from None
    if done.returncode:
        said = " ".join((done.stderr.strip() or done.stdout.strip() or "it said nothing").split())
        raise NotBuilt(f"{what}: {said[-_LAST:]}")


def _read(path: Path) -> dict[str, Any]:
    with contextlib.suppress(OSError, ValueError):
        found = json.loads(path.read_text(encoding="utf-8"))
        if isinstance(found, dict):
            return found
    return {}


def _size(place: Path) -> int:
    return sum(path.lstat().st_size for path in place.rglob("*"))
