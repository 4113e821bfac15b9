"""What it costs to judge an implementation that fails: searches, witnesses and diagnoses, beside one that is right.

Rules: both are judged by every statement in this process, from the same seed, and compute the same but for one formula;
CPU seconds are counted, not the clock's. The figures are printed, never tested.
"""

from __future__ import annotations

import gc
import sys
import time

from bnconform.analysis.selftest.trial import asking, families, targets
from bnconform.cli.session.examiner import Examiner
from bnconform.engine.agreement import BAD
from bnconform.engine.book import all_specs
from bnconform.engine.tally import Effort
from bnconform.results.deviations import Registry

RIGHT = "variants.in_order"
WRONG = ("epsilon_outside_the_root", "unbiased_variance_in_y", "dx_without_its_variance_term", "momentum_complemented")
DTYPE = "float32"


def judged(name: str) -> tuple[float, int]:
    """Returns the CPU seconds that all statements took, and how many of them were not kept."""
    (target,) = targets([name], [DTYPE])
    ask, began = asking(target), time.process_time()
    examiner = Examiner(target, ask, Registry(), Effort())
    found = [one for family in families(all_specs()) for one in examiner.judge(family).values()]
    return time.process_time() - began, sum(one.tally.verdict in BAD for one in found)


def main() -> int:
    """Prints the CPU seconds of what is right, and those of each wrong formula with their ratio to it."""
    gc.freeze()  # as a run does
    judged(RIGHT)  # what is made once and kept is no cost of the first
    right, failed = judged(RIGHT)
    if failed:
        raise SystemExit(f"{RIGHT} does not keep {failed} statements: it is no measure of what is right")
    print(f"{'right':<32} {right:6.1f} s CPU")
    for name in WRONG:
        seconds, failed = judged(f"faults.{name}")
        print(
            f"{name.replace('_', ' '):<32} {seconds:6.1f} s CPU, {failed} statements fail, ratio {seconds / right:.2f}"
        )
    return 0


if __name__ == "__main__":
    sys.exit(main())
