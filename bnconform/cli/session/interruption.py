"""Ctrl-C, SIGTERM and SIGHUP, as one orderly interruption.

Rules: the first one raises KeyboardInterrupt, and one that follows within two seconds is taken for the same, so that
what is being put in order is not torn down again; a later one interrupts that, too. What the caller ignores, as under
nohup, stays ignored. Python drops an exception that is raised in a callback of its garbage collector: `check` raises it
again, and nothing is said of the dropped one.
"""

from __future__ import annotations

import contextlib
import signal
import sys
import time
from collections.abc import Iterator
from types import FrameType
from typing import Any

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
SAME = 2.0
"""Seconds in which further signals count as the same."""


class Interruptions:
    """The signals of this process that interrupt it. name: of the latest, empty while there is none."""

    def __init__(self) -> None:
        self.name = ""
        self._at = -float("inf")
        self._held = False
        self._stopping = False

    @contextlib.contextmanager
    def caught(self) -> Iterator[None]:
        """Takes the signals while the block runs, where that is in the main thread."""
        before, told = {}, sys.unraisablehook
        with contextlib.suppress(ValueError):  # not the main thread: nothing can be taken
            for one in SIGNALS:
                if signal.getsignal(one) != signal.SIG_IGN:
                    before[one] = signal.signal(one, self._arrived)
        sys.unraisablehook = lambda dropped: None if self._is_own(dropped) else told(dropped)
        try:
            yield
        finally:
            sys.unraisablehook = told
            for number, handler in before.items():
                signal.signal(number, handler)

    @contextlib.contextmanager
    def held(self) -> Iterator[None]:
        """Lets the block run to its end: the first signal is noted, one that comes later than `SAME` interrupts."""
        self._held = True
        try:
            yield
        finally:
            self._held = False

    def check(self) -> None:
        """Raises KeyboardInterrupt where a signal came and its exception was dropped."""
        if self.name and not self._stopping:
            raise KeyboardInterrupt(self.name)

    def stopping(self) -> None:
        """Notes that the interruption arrived where it is put in order."""
        self._stopping = True

    def _is_own(self, dropped: Any) -> bool:
        """Returns whether an exception that Python dropped is that of a signal."""
        return bool(self.name) and isinstance(dropped.exc_value, KeyboardInterrupt)

    def _arrived(self, number: int, frame: FrameType | None) -> None:
        first, now = not self.name, time.monotonic()
        self.name = signal.Signals(number).name
        if now - self._at < SAME:
            return
        self._at = now
        if not (self._held and first):
            raise KeyboardInterrupt(self.name)


INTERRUPTIONS = Interruptions()
"""Those of this process: signals have no other owner."""
