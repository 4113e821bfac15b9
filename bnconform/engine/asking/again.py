"""Witnesses judged again before they are believed: each failure is shown anew by a fresh host, or is called flaky.

Rules: what is judged again is the very case that is written down; a witness that does not show the same in every call
stays a failure, since wrong values come from nobody else, but is told with the number of calls that showed it. Crashes
and hangs are asked again when they are met, by the Runner.
"""

from __future__ import annotations

from collections.abc import Iterable

from bnconform.engine.asking.repetition import CALLS, Repeated
from bnconform.engine.runner import Runner
from bnconform.engine.spec import Subject
from bnconform.engine.tally import Tally
from bnconform.engine.target import Target


def judge_again(tallies: Iterable[Tally], target: Target, run: Runner) -> None:
    """Judges the witness of each statement that is not kept in a fresh host, and notes in its tally what that showed.

    One fresh host serves all tallies: starting one for each would cost a framework's import every time.
    """
    broken = [(one, one.failure) for one in tallies if one.failure is not None]
    failed = [(one, seen) for one, seen in broken if seen.judged.verdict == "fails"]
    if not failed:
        return
    run.renew()
    shown = [1] * len(failed)
    for _ in range(CALLS - 1):
        for place, (tally, seen) in enumerate(failed):
            judged = tally.spec.judge(Subject(run, target.dialect), seen.case)
            shown[place] += judged.signature == seen.judged.signature
    for (tally, _), times in zip(failed, shown, strict=True):
        tally.repeated = Repeated(times, CALLS)
