"""The time that a run may take, shared out among its searches.

Rules: each search gets an equal share of the time that is left, so that what is decided early leaves its time to what
is still open; once nothing is left nothing more is begun, and what was not judged is said to be so.
"""

from __future__ import annotations

import math
import re
import time

from bnconform.contract.errors import CallError

UNITS = {"": 1.0, "s": 1.0, "m": 60.0, "h": 3600.0}
NOT_RUN = "the budget of time was spent before it was its turn"


def seconds(text: str) -> float:
    """Returns the seconds of a text such as 90, 90s, 10m or 1.5h; raises CallError for another one."""
    found = re.fullmatch(r"(\d+(?:\.\d+)?)([smh]?)", text.strip())
    if found is None or not 0 < float(found[1]) * UNITS[found[2]] < math.inf:
        raise CallError(f"--budget {text}: expected a time above 0 such as 90s, 10m or 1.5h")
    return float(found[1]) * UNITS[found[2]]


class Budget:
    """What is left of the time of a run. until: when it is spent, by the clock of all processes; infinite: never.
    workers: how many processes spend it side by side."""

    def __init__(self, until: float = math.inf, workers: int = 1) -> None:
        self.until, self.workers = until, workers
        self.searches = 0
        """How many searches were planned, in all processes."""
        self._begun = 0

    @property
    def spent(self) -> bool:
        """Whether nothing is left."""
        return time.time() >= self.until

    def share(self) -> float:
        """Returns when the search that begins now is to end, by the monotonic clock."""
        if self.until == math.inf:
            return math.inf
        left = max(1.0, self.searches / self.workers - self._begun)
        self._begun += 1
        return time.monotonic() + (self.until - time.time()) / left
