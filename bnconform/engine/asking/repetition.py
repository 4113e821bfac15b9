"""What comes of asking the same case again: shown in so many calls of so many, or once and never again.

Rules: a crash, a hang, a lack of memory and an interrupt can come from outside, so that one alone says nothing of an
implementation; what another call of the same case shows as well is believed, and what none does is counted and not held
against it. An error of a device may be left from an earlier case, and is asked again likewise. An implementation to
which that happens again and again is flaky itself.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace

from bnconform.contract.reply import Crashed, Raised, Reply, TimedOut, in_words

CALLS = 3
"""How often a case is put whose answer does not repeat, the first time included."""


FORGIVEN = 3
"""How many calls of an implementation may show what does not repeat and is not held against it."""


@dataclass(frozen=True)
class Repeated:
    """In how many calls of the same case a failure was shown, the first one included, and of how many."""

    shown: int
    asked: int

    @property
    def flaky(self) -> bool:
        """Whether some call did not show it."""
        return self.shown < self.asked


@dataclass(frozen=True)
class Unrepeated:
    """What one call showed and other calls of the same case did not, so that one of those is believed."""

    what: str
    shown: int
    asked: int


BROKEN_DEVICE = re.compile(
    r"CUDA error|CUDA_ERROR_|cudaError|device-side assert|illegal memory access|CUDNN_STATUS_|cuDNN error|CUBLAS_STATUS"
)
"""The words of a device's error, after which all that its process asks of the device fails."""
FROM_OUTSIDE = frozenset({MemoryError.__name__, KeyboardInterrupt.__name__})
"""Exceptions that another process's hunger and a signal bring about."""


def breaks_the_device(reply: Reply) -> bool:
    """Returns whether a reply leaves its process with a device that answers nothing more: of the next case, too."""
    return isinstance(reply, Raised) and bool(BROKEN_DEVICE.search(reply.message))


def is_doubtful(reply: Reply) -> bool:
    """Returns whether a reply can have a cause outside of the implementation, or in an earlier case."""
    outside = isinstance(reply, Raised) and reply.type in FROM_OUTSIDE
    return isinstance(reply, Crashed | TimedOut) or outside or breaks_the_device(reply)


def settled(first: Reply, again: Callable[[], Reply], *, forgiven: int = 0) -> tuple[Reply, Unrepeated | None]:
    """Returns the reply to believe where `first` is doubtful, and what was then not repeated.

    again: puts the same case to a fresh host. forgiven: how often that was not held against it already.
    """
    replies = [first]
    while len(replies) < CALLS:
        replies.append(again())
        kind, shown = Counter(map(type, filter(is_doubtful, replies))).most_common(1)[0]
        if shown > 1:
            return _with(next(one for one in replies if type(one) is kind), shown, len(replies)), None
    good = next((one for one in replies if not is_doubtful(one)), None)
    if good is None or forgiven >= FORGIVEN:  # each time something else, or the same too often to come from outside
        return _with(first, 1, len(replies)), None
    return good, Unrepeated(in_words(first), 1, len(replies))


def _with(reply: Reply, shown: int, asked: int) -> Reply:
    return replace(reply, shown=shown, asked=asked) if isinstance(reply, Crashed | TimedOut) else reply
