"""A Trial is one subject of the self-test in one dtype: a fault until a spec catches it, a variant by every spec.

Rules: families of specs are searched as in a run, from the same seeds; a fault's trial ends with the first spec that
it does not keep, so that catching it early is cheap; what no spec catches has been tried on every example.
"""

from __future__ import annotations

import contextlib
import zlib
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from hypothesis import HealthCheck, Phase, given, seed, settings

from bnconform.cases.strategies import Given
from bnconform.contract.address import named_source
from bnconform.contract.case import Case
from bnconform.contract.reply import NotOffered
from bnconform.engine.agreement import BAD
from bnconform.engine.runner import Runner
from bnconform.engine.spec import Spec, Subject
from bnconform.engine.tally import Effort, Tally
from bnconform.engine.target import Target
from bnconform.host.client import InProcessHost

SUBJECTS = "bnconform.analysis.faults.adapter"
GLANCE = 5
"""Examples of each family that are tried before any family is searched to its end."""


@dataclass(frozen=True, kw_only=True)
class Trial:
    """The outcome of the trial of one subject in one dtype.

    caught: the specs that the deciding example broke; empty where none did. examples: how many the family of those had
    been tried on. compared, alarms: values compared with a finite bound, and specs not kept, over all specs tried.
    """

    subject: str
    dtype: str
    caught: tuple[str, ...] = ()
    examples: int = 0
    compared: int = 0
    ratio: float = 0.0


class _Over(Exception):
    """Ends a search that can learn nothing more."""


def targets(names: Sequence[str], dtypes: Sequence[str]) -> list[Target]:
    """Returns the subjects of these names in these dtypes, as far as they are for them."""
    described = {one.name: one for one in InProcessHost(named_source(SUBJECTS)).describe()}
    return [
        Target(implementation=described[name], dtype=dtype)
        for name in names
        for dtype in dtypes
        if dtype in described[name].dtypes
    ]


def families(specs: Sequence[Spec]) -> list[list[Spec]]:
    """Returns the specs by the cases that they are given, in the order of the book."""
    found: dict[Given, list[Spec]] = defaultdict(list)
    for one in specs:
        found[one.given].append(one)
    return list(found.values())


def try_fault(about: Target, specs: Sequence[Spec], effort: Effort) -> Trial:
    """Returns the trial of a fault: a glance at every family first, then each to its end, until a spec is not kept."""
    run = runner(about)
    for examples in (min(GLANCE, effort.examples), effort.examples):
        for family in families(specs):
            tallies = search_until(family, about, run, Effort(examples=examples, seed=effort.seed), first=True)
            caught = [tally for tally in tallies if tally.verdict in BAD]
            if caught:
                return _trial(about, caught, tallies)
    return _trial(about, [], [])


def try_variant(about: Target, specs: Sequence[Spec], effort: Effort) -> Trial:
    """Returns the trial of a right variant by every spec: each spec in `caught` is a false alarm."""
    run = runner(about)
    tallies = [tally for family in families(specs) for tally in search_until(family, about, run, effort)]
    return _trial(about, [tally for tally in tallies if tally.verdict in BAD], tallies)


def _trial(about: Target, caught: Sequence[Tally], tallies: Sequence[Tally]) -> Trial:
    return Trial(
        subject=about.implementation.name,
        dtype=about.dtype,
        caught=tuple(tally.spec.id for tally in caught),
        examples=max((tally.examples for tally in caught), default=0),
        compared=sum(tally.compared for tally in tallies),
        ratio=max((tally.ratio for tally in caught or tallies), default=0.0),
    )


def runner(about: Target) -> Runner:
    """Returns what runs the cases of one subject, in this process."""
    host = InProcessHost(named_source(SUBJECTS))
    described = about.implementation
    return Runner(lambda: host, described.name, described.features, described.ranks)


def search_until(
    family: Sequence[Spec], about: Target, run: Runner, effort: Effort, first: bool = False
) -> list[Tally]:
    """Returns a tally per spec, nothing shrunk; `first`: the search ends with the first spec that is not kept."""
    tallies = [Tally(spec=one) for one in family]
    cases = family[0].given
    start = zlib.crc32(f"{effort.seed}|{cases}|{about.implementation.name}|{about.dtype}".encode())
    examples = min(effort.examples, cases.examples or effort.examples)
    opening = cases.opening(about.traits, start)[:examples]
    if any(_judge(tallies, about, run, case, first) for case in opening) or len(opening) == examples:
        return tallies
    rules = settings(
        max_examples=examples - len(opening),
        database=None,
        deadline=None,
        phases=(Phase.generate,),
        suppress_health_check=list(HealthCheck),
    )
    over = False

    @seed(start)
    @rules
    @given(cases.strategy(about.traits))
    def example(case: Case) -> None:
        nonlocal over
        over = over or _judge(tallies, about, run, case, first)
        if over:  # Hypothesis runs what raised once more, and must see it raise again
            raise _Over

    with contextlib.suppress(_Over):
        example()
    return tallies


def _judge(tallies: Sequence[Tally], about: Target, run: Runner, case: Case, first: bool) -> bool:
    """Judges one case by all specs that are still kept; returns whether the search is over."""
    bn, offered = Subject(run, about.dialect), False
    for tally in tallies:
        if tally.open:
            judged = tally.spec.judge(bn, case)
            offered = offered or not isinstance(judged.reply, NotOffered)
            tally.record(case, judged)
    caught = [not tally.open for tally in tallies]
    return not offered or (any(caught) if first else all(caught))
