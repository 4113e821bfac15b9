"""A Diagnosis names the faults that explain a failure and says in words how well; a Likely is one such fault.

Rules: faults are named best first, by ratio in two digits and then in the order of the catalogue, simple before
special; if none fits, it says so and describes the error instead; every number was measured.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypedDict

from bnconform.analysis.diagnosis.shown import Shown
from bnconform.analysis.faults import FAULTS, Fault

PLACES = {fault.name: place for place, fault in enumerate(FAULTS)}
MOST_NAMED = 3
NOTHING = "no known fault explains it"


@dataclass(frozen=True)
class Diagnosis:
    """The faults that explain a failing finding, best first, and the same in words; both empty: nothing to explain.

    likewise: where none explains the failure, those that break the statement on the same case in the same quantity and
    whose values the answers do not contradict.
    shown: the answer that is wrong by itself, where one is. only: the condition under which ordinary cases are wrong,
    in words to stand after "only where"; empty where none was needed or found.
    """

    likely: tuple[Likely, ...] = ()
    words: str = ""
    likewise: tuple[str, ...] = ()
    shown: Shown | None = field(default=None, compare=False)
    only: str = ""


def ranked(ratios: Mapping[str, float], faults: Iterable[Fault]) -> list[Likely]:
    """Returns the faults with their ratios, best first; both faults of a pair, one after the other."""
    found: list[Likely] = []
    for fault in sorted(faults, key=lambda one: (round(ratios[one.name], 2), _places(one))):
        for one, other in zip(fault.parts or (fault,), reversed(fault.parts or (fault,)), strict=True):
            likely = Likely(fault=one.name, sentence=one.sentence, ratio=ratios[fault.name], convention=one.convention)
            if one is not other:
                likely["beside"] = other.name
            found.append(likely)
    return found


def _places(fault: Fault) -> list[int]:
    return [PLACES[one.name] for one in fault.parts or (fault,)]


def explained(likely: Sequence[Likely], outputs: Sequence[str] = (), *, compared: bool = True) -> Diagnosis:
    """Returns the diagnosis that names these faults.

    outputs: those alone that they explain. compared: whether there were values to compare, beside the spec's own
    verdict.
    """
    best = likely[0]
    causes = list(dict.fromkeys(frozenset((one["fault"], one.get("beside", one["fault"]))) for one in likely))
    first = [next(one for one in likely if one["fault"] in cause) for cause in causes]
    named = " or ".join(_words(one) for one in first[:MOST_NAMED])
    others = len(causes) - MOST_NAMED
    more = f" or {others} more" if others > 0 else ""
    alone = f"in {' and '.join(outputs)} alone, " if outputs else ""
    same = ", which no case tells apart" if len(causes) > 1 else ""
    known = ", a known convention" if best["convention"] else ""
    fit = f", within {best['ratio']:.2g} of the bound" if compared else ", by breaking the statement in the same way"
    return Diagnosis(tuple(likely), f"{alone}behaves like {named}{more}{same}{known}{fit}")


def _words(one: Likely) -> str:
    beside = f" together with {one['beside']}" if "beside" in one else ""
    return f"{one['fault']}{beside}".replace("_", " ")


class Named(TypedDict):
    """A known fault that explains a finding: its worst ratio over all outputs, and whether it is a convention."""

    fault: str
    sentence: str
    ratio: float
    convention: bool


class Likely(Named, total=False):
    """A known fault that explains a finding. beside: the fault together with which alone it does, named as well."""

    beside: str
