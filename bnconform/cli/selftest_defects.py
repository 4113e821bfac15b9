"""`bnconform selftest --defects`: whether what is planted is inferred as the defect that it is.

Rules: a fault alone must be one defect of its name; two at once must be named, both of them and nothing else; one
behind a condition must have that in the title of the first defect. A second name that explains every finding of the
defect as well counts as right. The specs are asked as in a run, but witnesses are not shrunk. What is missed is listed,
and the exit status is 1 where too little is right.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial

from bnconform.analysis.diagnosis import Diagnostician
from bnconform.analysis.faults import FAULTS
from bnconform.analysis.selftest.planted import Planting, alone, behind_conditions, in_pairs, planted
from bnconform.analysis.selftest.trial import families, search_until
from bnconform.cli.side_by_side import side_by_side
from bnconform.contract.dtypes import DTYPES
from bnconform.contract.errors import CallError
from bnconform.engine.book import all_specs
from bnconform.engine.search import all_broken
from bnconform.engine.selection import fits
from bnconform.engine.smoke import smoke
from bnconform.engine.tally import Effort
from bnconform.results.defects import Defect, defects_of, is_wrong
from bnconform.results.finding import finding
from bnconform.results.records import Finding

LEAST = {"alone": 0.97, "two at once": 0.8, "behind a condition": 0.8}
"""The share of each kind that must be right."""
PAIRS, CONDITIONS = 40, 50
"""How many pairs and conditions are drawn where no sample is asked for."""


@dataclass(frozen=True, kw_only=True)
class Plantings:
    """What is to be planted. sample: how many of each kind; None: every fault alone in every dtype."""

    dtypes: tuple[str, ...] = ()
    faults: tuple[str, ...] = ()
    effort: Effort = field(default_factory=lambda: Effort(examples=8))
    sample: int | None = None
    workers: int = 1

    def kinds(self) -> dict[str, list[Planting]]:
        """Returns what is planted, by kind."""
        dtypes, seed = self.dtypes or DTYPES, self.effort.seed
        chosen = [one for one in FAULTS if fits(one.name, self.faults)]
        if not chosen:
            raise CallError(f"--fault {' '.join(self.faults)}: no such fault; `bnconform list faults` lists them")
        return {
            "alone": alone(chosen, dtypes, self.sample, seed),
            "two at once": in_pairs(chosen, dtypes, PAIRS if self.sample is None else self.sample, seed),
            "behind a condition": behind_conditions(chosen, CONDITIONS if self.sample is None else self.sample, seed),
        }


def selftest_defects(asked: Plantings) -> int:
    """Plants, infers and prints what was missed, and the shares; returns the exit status."""
    enough, pool = True, side_by_side(asked.workers)
    for kind, plantings in asked.kinds().items():
        missed = 0
        for words in filter(None, pool(partial(_missed, kind, effort=asked.effort), plantings)):
            missed += 1
            print(words, flush=True)
        right = len(plantings) - missed
        enough = enough and right >= LEAST[kind] * len(plantings)
        print(f"{kind}: {right} of {len(plantings)} right, {100 * LEAST[kind]:.0f} % due", flush=True)
    return 0 if enough else 1


def inferred_defects(one: Planting, effort: Effort) -> list[Defect]:
    """Returns the defects of the implementation that has what is planted; where few examples show nothing, those of as
    many as a run has."""
    findings = [each for dtype in one.dtypes for each in _findings(one, dtype, effort)]
    if not any(map(is_wrong, findings)) and effort.examples < Effort.examples:
        return inferred_defects(one, Effort(seed=effort.seed))
    return defects_of(findings, {spec.id: spec.chapter for spec in all_specs()})


def _findings(one: Planting, dtype: str, effort: Effort) -> list[Finding]:
    target, ask = planted(one, dtype)
    diagnostician, slips = Diagnostician(target, ask), smoke(target, ask)
    return [
        finding(tally, target, ask, smoke=slips, diagnosis=diagnostician.explain(tally))
        for family in families(list(all_specs()))
        for tally in search_until(all_broken, family, target, ask, effort)
    ]


def is_right(one: Planting, defects: Sequence[Defect]) -> bool:
    """Returns whether the defects tell what was planted, and nothing else."""
    if not defects:
        return False
    if one.where:
        return one.where in defects[0].title and _told(one, defects[0]) == set(one.faults)
    told = [_told(one, defect) for defect in defects]
    return all(told) and set().union(*told) == set(one.faults) and (len(one.faults) > 1 or len(defects) == 1)


def _told(one: Planting, defect: Defect) -> set[str]:
    """Returns the planted faults that a defect names, by a second name of the same effect as well; empty where it names
    another."""
    named = {name for name in (defect.likely, defect.beside) if name}
    if named <= set(one.faults):
        return named
    if len(named) > len(one.faults):
        return set()
    by_value = [{each["fault"] for each in finding["diagnosis"]} for finding in defect.findings if finding["diagnosis"]]
    same = set.intersection(*by_value) if by_value else set()
    return same & set(one.faults)


def _missed(kind: str, one: Planting, effort: Effort) -> str:
    """Returns what was inferred in place of what was planted; empty where that is right."""
    defects = inferred_defects(one, effort)
    if is_right(one, defects):
        return ""
    told = "; ".join(f"{defect.title} ({len(defect.findings)})" for defect in defects) or "no defect"
    where = f" {one.where}" if one.where else ""
    return f"MISSED {kind}: {' and '.join(one.faults)}{where}, {' and '.join(one.dtypes)}: {told}"
