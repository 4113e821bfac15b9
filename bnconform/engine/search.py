"""The search of a family's cases for one on which a spec is not kept; it counts the values compared.

Rules: a case is drawn once, run once and judged by every spec of the family; a spec that is not kept leaves the shared
search and shrinks in one of its own, so that one failure hides no other; the seed decides everything.
"""

from __future__ import annotations

import zlib
from collections.abc import Sequence

from hypothesis import HealthCheck, Phase, given, seed, settings, target

from bnconform.cases.small import small_cases
from bnconform.contract.case import Case
from bnconform.engine.agreement import Judgement
from bnconform.engine.runner import Runner
from bnconform.engine.shrink import witness
from bnconform.engine.spec import Spec, Subject
from bnconform.engine.tally import Effort, Seen, Tally
from bnconform.engine.target import Target

LARGEST_TARGET = 1e6


def search(specs: Sequence[Spec], about: Target, run: Runner, effort: Effort) -> dict[str, Tally]:
    """Tries specs that are given equal cases on one target; returns a tally per spec id, its witness already shrunk."""
    families = {one.given for one in specs}
    if len(families) != 1:
        raise ValueError(f"specs of {len(families)} families; expected specs that are given equal cases")
    family = families.pop()
    start = zlib.crc32(f"{effort.seed}|{family}|{about.implementation.name}|{about.dtype}".encode())
    tallies = [Tally(spec=one) for one in specs]
    _explore(tallies, about, run, min(effort.examples, family.examples or effort.examples), start)
    _shrink(tallies, about, run, start)
    return {tally.spec.id: tally for tally in tallies}


def _explore(tallies: list[Tally], about: Target, run: Runner, examples: int, start: int) -> None:
    family = tallies[0].spec.given
    opening = family.opening(about.traits, start)[:examples]
    for case in opening:
        _judge(tallies, about, run, case)
    if len(opening) == examples:
        return
    rules = settings(
        max_examples=examples - len(opening),
        database=None,
        deadline=None,
        derandomize=False,
        print_blob=False,
        phases=(Phase.generate, Phase.target),
        suppress_health_check=list(HealthCheck),
    )

    @seed(start)
    @rules
    @given(family.strategy(about.traits))
    def example(case: Case) -> None:
        worst = _judge(tallies, about, run, case)
        if worst is not None:
            target(min(worst, LARGEST_TARGET))

    example()


def _judge(tallies: list[Tally], about: Target, run: Runner, case: Case) -> float | None:
    """Judges one case by all specs that are still kept; returns the worst ratio, None where none is left."""
    live = [tally for tally in tallies if tally.open]
    bn = Subject(run, about.dialect)
    worst = 0.0
    for tally in live:
        judged = tally.spec.judge(bn, case)
        tally.record(case, judged)
        worst = max(worst, judged.ratio)
    return worst if live else None


def _shrink(tallies: list[Tally], about: Target, run: Runner, start: int) -> None:
    replied: list[tuple[object, Seen]] = []
    for tally in tallies:
        seen = tally.shown
        if seen is None or seen.judged.broken:
            continue
        # One reply in place of an outcome meets all specs that ran the case: it is shrunk once.
        reply = seen.judged.reply
        shrunk = next((before for other, before in replied if reply is not None and other is reply), None)
        if shrunk is None:
            family = tally.spec.given
            small = small_cases(family, about.traits), small_cases(family, about.traits, seen.case)
            known = [before.case for other, before in replied if other is None and reply is None]
            judge = _Judge(tally.spec, about, run)
            shrunk = witness(_part(seen, judge), judge, small, start, known)
            replied.append((reply, shrunk))
        if tally.failure is not None:
            tally.failure = shrunk
        else:
            tally.deviation = shrunk
        tally.ratio = max(tally.ratio, shrunk.judged.ratio)


def _part(seen: Seen, judge: _Judge) -> Seen:
    """Returns the case within `seen` that decided, where there is one and it shows the same by itself."""
    worst = seen.judged.worst
    if worst is None or worst.case is None:
        return seen
    part = Seen(worst.case, judge(worst.case))
    return part if part.judged.signature == seen.judged.signature else seen


class _Judge:
    """Judges one case at a time with a fresh subject."""

    def __init__(self, spec: Spec, about: Target, run: Runner) -> None:
        self._spec, self._about, self._run = spec, about, run

    def __call__(self, case: Case) -> Judgement:
        return self._spec.judge(Subject(self._run, self._about.dialect), case)
