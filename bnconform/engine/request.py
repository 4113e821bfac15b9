"""A Request is what a user asks of a run, as the command line says it.

Rules: a value that no run can have is refused before anything is started, with the option that says it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from bnconform.contract.dtypes import DTYPES
from bnconform.contract.errors import CallError
from bnconform.host.client import SLOWEST_IMPORT

DEVICES = ("cpu", "cuda")
LONGEST = 1e6
"""Seconds that one call may take, at most: a clock cannot wait for ever."""

_SHARD = re.compile(r"([1-9]\d{0,5})/([1-9]\d{0,5})")


@dataclass(frozen=True, kw_only=True)
class Request:
    """The user's request, as said on the command line; empty tuples stand for everything.

    deviations: the folder of the registry; None: bnconform's own; empty: none is used. import_timeout: seconds for an
    adapter to say what it offers. host_memory: GiB that a host may use; None: half of the machine's. shard: "K/N" for
    that part of all questions alone; empty: all. without_variants: opt-in implementations take no part, not even those
    of an adapter that is named.
    """

    adapters: tuple[str, ...] = ()
    implementations: tuple[str, ...] = ()
    specs: tuple[str, ...] = ()
    dtypes: tuple[str, ...] = ()
    device: str = "cpu"
    examples: int = 100
    seed: int = 0
    timeout: float = 60.0
    import_timeout: float = SLOWEST_IMPORT
    host_memory: float | None = None
    in_process: bool = False
    deviations: str | None = None
    shard: str = ""
    without_variants: bool = False

    def check(self) -> None:
        """Raises CallError for a value that no run can have."""
        if self.shard:
            place_of(self.shard)
        for name in self.dtypes:
            if name not in DTYPES:
                raise CallError(f"--dtype {name}: unknown dtype; expected one of {', '.join(DTYPES)}")
        if self.device not in DEVICES:
            raise CallError(f"--device {self.device}: unknown device; expected one of {', '.join(DEVICES)}")
        if self.examples < 1:
            raise CallError(f"--examples {self.examples}: expected a number of at least 1")
        for name, unit in (("timeout", "seconds"), ("import_timeout", "seconds"), ("host_memory", "GiB")):
            value = getattr(self, name)
            if value is not None and not 0 < value <= LONGEST:
                option = f"--{name.replace('_', '-')} {value:g}"
                raise CallError(f"{option}: expected a number of {unit} above 0, at most {LONGEST:g}")


def place_of(text: str) -> tuple[int, int]:
    """Returns K and N of "K/N"; raises CallError for anything else."""
    found = _SHARD.fullmatch(text)
    place, of = (int(found[1]), int(found[2])) if found else (0, 0)
    if not 1 <= place <= of:
        raise CallError(f"--shard {text!r:.60}: expected K/N, such as 2/3, the second of three parts")
    return place, of
