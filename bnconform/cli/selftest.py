"""`bnconform selftest`: every fault and every correct variant against every spec, as a table and a score.

Rules: each line is one fault, each column a dtype, each cell the spec that caught it and after how many examples; an
uncaught fault stands below with the power that the cases have for it; the exit status is 1 where too little was caught
or something right was not left alone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from bnconform.analysis.faults import FAULTS, LOSSES, VARIANTS
from bnconform.analysis.faults.adapter import DIALECT
from bnconform.analysis.faults.fault import Fault
from bnconform.analysis.selftest.power import POWERED, drawn_of, greatest_power
from bnconform.analysis.selftest.score import Score, save, score
from bnconform.analysis.selftest.trial import Trial, is_large, targets, try_fault, try_variant
from bnconform.cli.side_by_side import side_by_side
from bnconform.contract.dtypes import DTYPES
from bnconform.contract.errors import CallError
from bnconform.engine.book import all_specs
from bnconform.engine.selection import fits
from bnconform.engine.spec import Spec
from bnconform.engine.tally import Effort
from bnconform.engine.target import Target

SIZES = "sizes"
"""The chapter whose cases alone are large enough for the losses."""


@dataclass(frozen=True, kw_only=True)
class Scope:
    """The scope of a self-test.

    chapter: the one whose statements alone are tried, on the losses of large cases where it is that of sizes, on the
    faults of the catalogue's chapter of that name where there is one, else on every fault; empty: all. values: the
    least number of values of correct variants to compare.
    """

    dtypes: tuple[str, ...] = ()
    faults: tuple[str, ...] = ()
    chapter: str = ""
    effort: Effort = field(default_factory=Effort)
    values: float = 1e6
    workers: int = 1
    record: bool = False


def selftest(scope: Scope) -> int:
    """Runs the self-test and prints its findings; returns the exit status."""
    dtypes = scope.dtypes or DTYPES
    if scope.record and scope.chapter:
        raise CallError(f"--record --chapter {scope.chapter}: a record is of the whole book; leave out --chapter")
    names = [f"{kind}.{one.name}" for kind, one in _subjects(scope.chapter) if fits(one.name, scope.faults)]
    if not names:
        raise CallError(f"--fault {' '.join(scope.faults)}: no such fault; `bnconform list faults` lists them")
    pool = side_by_side(scope.workers)
    faults = list(pool(partial(_try_fault, scope=scope), targets(names, dtypes)))
    print("\n".join(table(faults, dtypes)), flush=True)
    variants = _variants(pool, dtypes, scope)
    measured = score(faults, variants)
    print("\n".join(_summary(measured, faults, variants, scope.effort)))
    if scope.record:
        save(measured)
    return 0 if measured.enough else 1


def _subjects(chapter: str) -> list[tuple[str, Fault]]:
    """Returns what is planted, each with its kind."""
    if chapter == SIZES:
        return [("losses", one) for one in LOSSES]
    return [("faults", one) for one in [each for each in FAULTS if each.chapter == chapter] or FAULTS]


def _specs(chapter: str) -> list[Spec]:
    found = [one for one in all_specs() if chapter in ("", one.chapter)]
    if not found:
        known = ", ".join(dict.fromkeys(one.chapter for one in all_specs()))
        raise CallError(f"--chapter {chapter}: no such chapter; expected one of {known}")
    return found


def _try_fault(target: Target, scope: Scope) -> Trial:
    return try_fault(target, _specs(scope.chapter), scope.effort)


def _try_variant(job: tuple[Target, int], scope: Scope) -> Trial:
    target, turn = job
    effort = Effort(examples=scope.effort.examples, seed=scope.effort.seed + turn)
    specs = _specs(scope.chapter)
    once = turn and not scope.chapter  # large cases cost as much as all others together
    return try_variant(target, [one for one in specs if not (once and is_large(one))], effort)


def _variants(pool: Callable[..., Iterable[Any]], dtypes: Sequence[str], scope: Scope) -> list[Trial]:
    """Returns trials of the correct variants, from seed after seed until enough values were compared."""
    names = [f"variants.{one.name}{kind}" for one in VARIANTS for kind in ("", ":narrow")]
    correct = targets(names, dtypes)
    found: list[Trial] = []
    for turn in range(10_000):
        found += pool(partial(_try_variant, scope=scope), [(one, turn) for one in correct])
        if sum(one.compared or one.large for one in found) >= scope.values:
            break
    return found


def table(faults: Iterable[Trial], dtypes: Sequence[str]) -> list[str]:
    """Returns the lines of fault × dtype: which spec caught it, after how many examples."""
    rows: dict[str, dict[str, Trial]] = {}
    for one in faults:
        rows.setdefault(one.subject.partition(".")[2], {})[one.dtype] = one
    lines = []
    for name, cells in rows.items():
        lines.append(name.replace("_", " "))
        lines += [f"    {dtype:<9} {_cell(cells.get(dtype))}" for dtype in dtypes]
    return lines


def _cell(one: Trial | None) -> str:
    if one is None:
        return "makes no difference in this type"
    if not one.caught:
        return "NOT CAUGHT"
    more = f" and {len(one.caught) - 1} more" if len(one.caught) > 1 else ""
    return f"{one.caught[0]}{more}, after {one.examples} example{'s' * (one.examples != 1)}"


def _summary(measured: Score, faults: Sequence[Trial], variants: Sequence[Trial], effort: Effort) -> list[str]:
    lines = [""]
    for one in faults:
        if not one.caught and one.subject.startswith("losses."):
            lines.append(f"not caught: {one.subject} {one.dtype}")
        elif not one.caught:
            lines.append(f"not caught: {one.subject} {one.dtype}; {_explained(one, effort)}")
    for one in variants:
        lines += [f"FALSE ALARM: {one.subject} {one.dtype}, {spec}, {one.ratio:.3g} times the bound" for spec in
                  one.caught]  # fmt: skip
    for dtype, count in measured.faults.items():
        if count:
            lines.append(f"{dtype}: {measured.caught[dtype]} of {count} faults caught, {_share(measured, dtype)}")
    lines.append(f"examples to catch a fault: median {measured.median:g}, worst {measured.worst}")
    lines.append(f"{measured.compared:,} values of correct variants compared, {measured.alarms} false alarms")
    if large := sum(one.large for one in variants):
        lines.append(f"{large:,} more in cases of real sizes")
    return lines


def _share(measured: Score, dtype: str) -> str:
    return f"{100 * measured.caught[dtype] / measured.faults[dtype]:.1f} %"


def _explained(one: Trial, effort: Effort) -> str:
    wrong = next(fault for fault in FAULTS if f"faults.{fault.name}" == one.subject)
    cases = (case for family in POWERED for case in drawn_of(family, one.dtype, effort.examples, effort.seed))
    return f"the greatest power of the cases for it is {greatest_power(wrong, cases, DIALECT):.3g}"
