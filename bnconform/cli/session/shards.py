"""A shard is one of N parts of a run, judged by itself and joined with the others afterwards.

Rules: which part a question belongs to follows from the plan alone, so that the parts of equal calls fit together; a
part has whole implementations where there are enough of them, so that each is imported and compiled for once and its
hangs and crashes are counted as in an undivided run; of fewer, questions that share a search stay together.
"""

from __future__ import annotations

from collections.abc import Iterable

from bnconform.cli.session.run import Question
from bnconform.engine.request import place_of


def part(questions: Iterable[Question], shard: str) -> list[Question]:
    """Returns the questions of that part of a plan, in their order; all of them where `shard` is empty."""
    asked = list(questions)
    if not shard:
        return asked
    place, of = place_of(shard)
    names = dict.fromkeys(one.target.implementation.name for one in asked)
    whole = len(names) >= of

    def unit(one: Question) -> object:
        return one.target.implementation.name if whole else (one.group, one.spec.given)

    order = {each: at % of + 1 for at, each in enumerate(dict.fromkeys(map(unit, _by_target(asked))))}
    return [one for one in asked if order[unit(one)] == place]


def _by_target(asked: list[Question]) -> list[Question]:
    groups = {group: at for at, group in enumerate(dict.fromkeys(one.group for one in asked))}
    return sorted(asked, key=lambda one: groups[one.group])
