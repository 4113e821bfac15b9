"""A line on the screen while one thing takes long: what it is, and for how long already.

Rules: the first line comes after half a minute, and another each half minute; it goes past pytest's capture and
decides nothing.
"""

from __future__ import annotations

import contextlib
import os
import threading
import time
from collections.abc import Iterator

LONG = 30.0
"""Seconds until a line."""


class Waiting:
    """Tells what takes long. descriptor: the file to write to, which is this object's own."""

    def __init__(self, descriptor: int, long: float = LONG) -> None:
        self._descriptor, self._long = descriptor, long
        self._since: dict[str, float] = {}
        self._lines: dict[str, int] = {}
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()

    def begin(self, name: str) -> None:
        """Takes note of what begins."""
        self._since[name] = time.monotonic()

    def end(self, name: str) -> None:
        """Takes note of its end."""
        self._since.pop(name, None)
        self._lines.pop(name, None)

    @contextlib.contextmanager
    def at(self, name: str) -> Iterator[None]:
        """Takes note of what the block does."""
        self.begin(name)
        try:
            yield
        finally:
            self.end(name)

    def close(self) -> None:
        """Ends the watch."""
        if not self._over.is_set():
            self._over.set()
            self._thread.join()
            os.close(self._descriptor)

    def _watch(self) -> None:
        while not self._over.wait(self._long / 30):
            now = time.monotonic()
            for name, since in list(self._since.items()):
                count = int((now - since) / self._long)
                if count > self._lines.get(name, 0):
                    self._lines[name] = count
                    with contextlib.suppress(OSError):
                        os.write(self._descriptor, f"… {count * self._long:.0f} s at {name}\n".encode())
