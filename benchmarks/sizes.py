"""CPU seconds for 10⁷ elements of large cases: the judge's beside those of torch itself, forward and backward.

Rules: both are counted in one process, on the same cases, drawn for the chapter of sizes; an element is a value of x;
CPU seconds are counted, not the clock's. The figures are printed, never tested.
"""

from __future__ import annotations

import gc
import sys
import time
from collections.abc import Sequence

import torch

from bnconform.analysis.selftest.trial import families
from bnconform.contract.address import Address
from bnconform.contract.case import Case
from bnconform.contract.reply import Reply
from bnconform.engine.agreement import BAD
from bnconform.engine.book import all_specs
from bnconform.engine.runner import Runner
from bnconform.engine.search import search
from bnconform.engine.selection import Hosts, Request, select, targets
from bnconform.engine.spec import Spec
from bnconform.engine.tally import Effort
from bnconform.engine.target import Target

NAME, MANY = "torch.nn.functional.batch_norm", 1e7
SPECS = [one for one in all_specs() if one.chapter == "sizes"]


class Measured:
    """A host that counts what it answers. seconds: of CPU inside the implementation and its adapter; elements: of x."""

    timeout = 60.0

    def __init__(self, hosts: Hosts, address: Address) -> None:
        self._hosts, self._address = hosts, address
        self.seconds, self.elements = 0.0, 0

    def run(self, name: str, case: Case) -> Reply:
        """Returns the answer to a case."""
        began = time.process_time()
        reply = self._hosts.of(self._address).run(name, case)
        self.seconds += time.process_time() - began
        self.elements += case.x.size
        return reply

    def close(self) -> None:
        """Ends nothing: there is no process."""


def measured(host: Measured, target: Target, specs: Sequence[Spec]) -> tuple[float, list[Spec]]:
    """Returns the CPU seconds of both, and the specs that are kept."""
    ask, began = Runner.of(target, lambda: host), time.process_time()
    found = [tally for family in families(specs) for tally in search(family, target, ask, Effort()).values()]
    return time.process_time() - began, [one.spec for one in found if one.verdict not in BAD]


def main() -> int:
    """Prints the figures of each dtype."""
    torch.set_num_threads(1)
    request = Request(implementations=(NAME,), in_process=True)
    hosts = Hosts(request=request)
    pairs = targets(select(request, hosts), request)
    gc.freeze()  # as a run does
    for address, target in pairs:
        # What is made once and kept is no cost of the cases, and a search for a smaller witness none of a passing one.
        _, kept = measured(Measured(hosts, address), target, SPECS)
        host = Measured(hosts, address)
        both, _ = measured(host, target, kept)
        own, judge, each = host.seconds, both - host.seconds, MANY / host.elements
        print(
            f"{target.dtype:<9} {host.elements:12,} elements, {len(kept)} of {len(SPECS)} statements: for 1e7 "
            f"{NAME} {own * each:6.2f} s CPU, bnconform {judge * each:6.2f}, ratio {judge / own:.2f}"
        )
    return 0


if __name__ == "__main__":
    sys.exit(main())
