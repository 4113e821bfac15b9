"""The search of a family's cases for one on which a spec is not kept; it counts the values compared.

Rules: a case is drawn once, run once and judged by every spec of the family; a spec that is not kept leaves the shared
search and shrinks in one of its own, so that one failure hides no other; so does a spec whose own code raises; the
seed decides everything.
"""

from __future__ import annotations

import math
import time
import zlib
from collections.abc import Callable, Sequence
from functools import partial

import hypothesis

from bnconform.cases.small import small_cases
from bnconform.cases.strategies import Given
from bnconform.contract.case import Case
from bnconform.engine.agreement import Judgement
from bnconform.engine.drawing import draw_until
from bnconform.engine.large.smallest_size import smallest_size
from bnconform.engine.ordinary import ask_ordinary
from bnconform.engine.runner import Ask
from bnconform.engine.shrink import witness
from bnconform.engine.spec import Spec, Subject
from bnconform.engine.tally import Effort, OwnError, Seen, Tally, noting
from bnconform.engine.target import Target
from bnconform.engine.weakness import CAREFUL
from bnconform.engine.witnesses.known import Witnesses
from bnconform.engine.witnesses.marks import marks_of

LARGEST_AIM = 1e6
LARGE = 256
"""A witness of more values, of a family of real sizes, is made as small as its size lets it be."""
Stop = Callable[[Sequence[Tally], Sequence[Judgement]], bool]
"""Whether a search is over, by its tallies and by what was judged of the latest case."""


def search(specs: Sequence[Spec], target: Target, ask: Ask, effort: Effort) -> dict[str, Tally]:
    """Tries specs that are given equal cases on one target; returns a tally per spec id, its witness already shrunk."""
    tallies = [Tally(spec=one) for one in specs]
    with noting(partial(_note_in_open, tallies), "the search"):
        explore(tallies, target, ask, effort, stop=partial(_over, effort))
    shrink(tallies, target, ask, _start(_family_of(tallies), target, effort))
    for tally in tallies:
        ask_ordinary(tally, target, ask)
    return {tally.spec.id: tally for tally in tallies}


def _note_in_open(tallies: Sequence[Tally], error: OwnError) -> None:
    for tally in tallies:
        if tally.open:
            tally.note(error)


def _over(effort: Effort, tallies: Sequence[Tally], judged: Sequence[Judgement]) -> bool:
    """Whether a search is over: nothing is left to break, or no time."""
    return all_broken(tallies, judged) or time.monotonic() >= effort.until


def all_broken(tallies: Sequence[Tally], _: Sequence[Judgement]) -> bool:
    """Whether no spec is left that another case could break."""
    return not any(tally.open for tally in tallies)


def explore(
    tallies: Sequence[Tally],
    target: Target,
    ask: Ask,
    effort: Effort,
    *,
    stop: Stop = all_broken,
    climb: bool = True,
) -> None:
    """Tries the specs of tallies, which are given equal cases, and records what came of it; shrinks nothing.

    stop: when to end before all examples were tried. climb: whether the search goes where errors are near their bounds.
    """
    family = _family_of(tallies)
    start = _start(family, target, effort)
    asked = any(target.dtype in one.spec.given.condition.dtypes for one in tallies)
    examples = min(effort.examples, family.examples or effort.examples) if asked else 1  # which tells why
    opening = family.opening(target.traits, start)[:examples]
    if any(stop(tallies, _judge(tallies, target, ask, case)) for case in opening) or len(opening) == examples:
        return

    def enough(case: Case) -> bool:
        judged = _judge(tallies, target, ask, case)
        if climb and judged:
            hypothesis.target(min(max(one.ratio for one in judged), LARGEST_AIM))
        return stop(tallies, judged)

    draw_until(enough, family.strategy(target.traits), examples - len(opening), start, climb=climb)


def _family_of(tallies: Sequence[Tally]) -> Given:
    families = {one.spec.given for one in tallies}
    if len(families) != 1:
        raise ValueError(f"specs of {len(families)} families; expected specs that are given equal cases")
    return families.pop()


def _start(family: Given, target: Target, effort: Effort) -> int:
    """Returns the seed of a family's search, which follows from that of the run."""
    return zlib.crc32(f"{effort.seed}|{family}|{target.implementation.name}|{target.dtype}".encode())


def _judge(tallies: Sequence[Tally], target: Target, ask: Ask, case: Case) -> list[Judgement]:
    """Judges one case by all specs that are still kept."""
    bn, found = Subject(ask, target.dialect), []
    for tally in tallies:
        if tally.open:
            with noting(tally.note, "the search", case):
                found.append(tally.spec.judge(bn, case))
                tally.record(case, found[-1])
    return found


def shrink(tallies: Sequence[Tally], target: Target, ask: Ask, start: int) -> None:
    """Gives each spec that is not kept a witness in place of the case that was found. start: the seed."""
    witnesses = Witnesses(math.inf) if _is_large(_family_of(tallies)) else Witnesses()
    replied: list[tuple[object, Seen]] = []
    for tally in tallies:
        seen = tally.shown
        if seen is None or seen.judged.broken:
            continue
        # One reply in place of an outcome meets all specs that ran the case: it is shrunk once.
        reply = seen.judged.reply
        shrunk = next((before for other, before in replied if reply is not None and other is reply), None)
        if shrunk is None:
            shrunk = seen
            with noting(tally.note, "shrinking", seen.case):
                shrunk = _witness(tally.spec, seen, target, ask, start, witnesses)
                witnesses.keep(shrunk)
            replied.append((reply, shrunk))
        if tally.failure is not None:
            tally.failure = shrunk
        else:
            tally.deviation = shrunk
        tally.ratio = max(tally.ratio, shrunk.judged.ratio)


def _witness(spec: Spec, seen: Seen, target: Target, ask: Ask, start: int, witnesses: Witnesses) -> Seen:
    judge, family = _Judge(spec, target, ask), spec.given
    part = _part(seen, judge)
    of_its_kind = part.case if family.derivatives == "fold" else None  # another layer is another statement's
    small = [small_cases(family, target.traits, of_its_kind)]
    if not _loses_digits(part.judged):  # which many statements show, and no layout in memory does
        small.append(small_cases(family, target.traits, seen.case))
    found = witness(part, judge, small, start, witnesses.known(part), dialect=target.dialect)
    if _is_large(family) and found.case.x.size > LARGE:
        return smallest_size(found, judge, start)
    return found


def _is_large(family: Given) -> bool:
    """Returns whether the cases of a family are of real sizes."""
    return family.channels == "sentinels"


def _loses_digits(judged: Judgement) -> bool:
    """Returns whether a declared algorithm loses digits, and nothing else is amiss."""
    return judged.verdict == "deviates" and judged.worst is not None and judged.worst.declared in CAREFUL


def _part(seen: Seen, judge: _Judge) -> Seen:
    """Returns the case within `seen` that decided, where there is one and it shows the same by itself."""
    worst = seen.judged.worst
    if worst is None or worst.case is None:
        return seen
    part = Seen(worst.case, judge(worst.case))
    return part if marks_of(part.judged) == marks_of(seen.judged) else seen


class _Judge:
    """Judges one case at a time with a fresh subject."""

    def __init__(self, spec: Spec, target: Target, ask: Ask) -> None:
        self._spec, self._target, self._ask = spec, target, ask

    def __call__(self, case: Case) -> Judgement:
        return self._spec.judge(Subject(self._ask, self._target.dialect), case)
