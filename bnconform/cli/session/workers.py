"""The workers of a run (pytest-xdist): what they are handed, and how they end.

Rules: a worker judges by the descriptions that it is handed, and ends its hosts when it is interrupted, as it is when
the run is interrupted and when the process that started it is gone.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import threading
import time
from typing import Any

import pytest

from bnconform.cli.session.interruption import INTERRUPTIONS

ATTRIBUTE = "bnconform"
_LOOK = 0.5
"""Seconds between looks whether the process that started a worker is there."""
_PATIENCE = 3.0
"""Seconds that an interrupted worker has to end its hosts."""


def is_worker(config: pytest.Config) -> bool:
    """Returns whether this process works for another one that holds the results."""
    return hasattr(config, "workerinput")


def handed(config: pytest.Config) -> Any:
    """Returns what a worker was handed."""
    return json.loads(config.workerinput[ATTRIBUTE])  # type: ignore[attr-defined]  # xdist's


def serve() -> None:
    """Lets this worker be interrupted as the run is."""
    signals = contextlib.ExitStack()
    signals.enter_context(INTERRUPTIONS.caught())  # for the rest of this process
    signals.pop_all()
    threading.Thread(target=_watch, args=(os.getppid(),), daemon=True).start()


def _watch(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(_LOOK)
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(_PATIENCE)
    os._exit(2)


class Workers:
    """The workers of the process that holds the results."""

    def __init__(self) -> None:
        self._processes: list[int] = []

    def started(self, node: Any) -> None:
        """Takes note of a worker's process, where it is one of this machine."""
        popen = getattr(getattr(node.gateway, "_io", None), "popen", None)
        if popen is not None:
            self._processes.append(popen.pid)

    def interrupt(self) -> None:
        """Interrupts them, lest each ends the item that it is at."""
        for process in self._processes:
            with contextlib.suppress(ProcessLookupError):
                os.kill(process, signal.SIGTERM)
