"""A Trial is one subject of the self-test in one dtype: a fault until a spec catches it, a variant by every spec.

Rules: families of specs are searched as in a run, from the same seeds; a fault's trial ends with the first spec that
it does not keep, so that catching it early is cheap; what no spec catches has been tried on every example.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from bnconform.cases.strategies import Given
from bnconform.contract.address import named_address
from bnconform.contract.reply import NotOffered
from bnconform.engine.agreement import BAD, Judgement
from bnconform.engine.runner import Ask, Runner
from bnconform.engine.search import Stop, all_broken, explore
from bnconform.engine.spec import Spec
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
    been tried on. compared, large: values compared with a finite bound, those of cases of real sizes counted apart,
    since most of them are alike. ratio: the worst.
    """

    subject: str
    dtype: str
    caught: tuple[str, ...] = ()
    examples: int = 0
    compared: int = 0
    large: int = 0
    ratio: float = 0.0


def is_large(spec: Spec) -> bool:
    """Returns whether a spec is given cases of real sizes."""
    return spec.given.channels == "sentinels"


def targets(names: Sequence[str], dtypes: Sequence[str]) -> list[Target]:
    """Returns the subjects of these names in these dtypes, as far as they are for them."""
    described = {one.name: one for one in InProcessHost(named_address(SUBJECTS)).describe()}
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


def try_fault(target: Target, specs: Sequence[Spec], effort: Effort) -> Trial:
    """Returns the trial of a fault: a glance at every family first, then each to its end, until a spec is not kept."""
    tallies = first_broken(target, asking(target), specs, effort)
    return _trial(target, _broken(tallies), tallies)


def try_variant(target: Target, specs: Sequence[Spec], effort: Effort) -> Trial:
    """Returns the trial of what is right, by every spec: what is `caught` there is a false alarm."""
    ask = asking(target)
    tallies = [tally for family in families(specs) for tally in search_until(all_broken, family, target, ask, effort)]
    return _trial(target, _broken(tallies), tallies)


def first_broken(target: Target, ask: Ask, specs: Sequence[Spec], effort: Effort) -> list[Tally]:
    """Returns the tallies of the first family of which a spec is not kept; empty where there is none."""
    for examples in (min(GLANCE, effort.examples), effort.examples):
        for family in families(specs):
            tallies = search_until(any_broken, family, target, ask, Effort(examples=examples, seed=effort.seed))
            if _broken(tallies):
                return tallies
    return []


def search_until(stop: Stop, family: Sequence[Spec], target: Target, ask: Ask, effort: Effort) -> list[Tally]:
    """Returns a tally per spec, nothing shrunk. A family of which the target offers nothing is left at once."""
    tallies = [Tally(spec=one) for one in family]
    explore(tallies, target, ask, effort, stop=lambda *seen: _is_refused(*seen) or stop(*seen), climb=False)
    for tally in tallies:
        if tally.error is not None:  # a spec that raises tells nothing of a fault
            raise tally.error.exception
    return tallies


def any_broken(tallies: Sequence[Tally], _: Sequence[Judgement]) -> bool:
    """Whether a spec was not kept."""
    return not all(tally.open for tally in tallies)


def _is_refused(_: Sequence[Tally], judged: Sequence[Judgement]) -> bool:
    return all(isinstance(one.reply, NotOffered) for one in judged)


def _broken(tallies: Sequence[Tally]) -> list[Tally]:
    return [tally for tally in tallies if tally.verdict in BAD]


def _trial(target: Target, caught: Sequence[Tally], tallies: Sequence[Tally]) -> Trial:
    return Trial(
        subject=target.implementation.name,
        dtype=target.dtype,
        caught=tuple(tally.spec.id for tally in caught),
        examples=max((tally.examples for tally in caught), default=0),
        compared=sum(tally.compared for tally in tallies if not is_large(tally.spec)),
        large=sum(tally.compared for tally in tallies if is_large(tally.spec)),
        ratio=max((tally.ratio for tally in caught or tallies), default=0.0),
    )


def asking(target: Target) -> Runner:
    """Returns what answers the cases of one subject, in this process."""
    host = InProcessHost(named_address(SUBJECTS))
    return Runner.of(target, lambda: host)
