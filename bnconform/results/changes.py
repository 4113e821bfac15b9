"""What changed between two runs: defects that are new, fixed, changed, gone or were not run again.

Rules: a defect is known by its id; it is fixed only where every statement that it broke was judged again and is kept;
where none of them was judged again it was not run, which says nothing; a version that moved is named.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from bnconform.engine.agreement import BAD
from bnconform.results.defects import Defect, defects_of
from bnconform.results.file import Merged
from bnconform.results.records import Finding

Kind = Literal["new", "fixed", "changed", "gone", "not run"]
Key = tuple[str, str, str, str]
JUDGED = frozenset({"conforms", "deviates", *BAD})


@dataclass(frozen=True, kw_only=True)
class Change:
    """One defect that is not as it was. kind: "gone" where some of its statements could not be judged again. before,
    after: its findings then and now; versions: of its implementations, then and now."""

    kind: Kind
    defect: Defect
    before: int
    after: int
    versions: tuple[str, str]


@dataclass(frozen=True, kw_only=True)
class Changes:
    """All changes, and how many findings are the same, differ, and stand in one of the runs alone."""

    changes: tuple[Change, ...]
    same: int
    different: int
    only_before: int
    only_after: int

    @property
    def new(self) -> int:
        """The number of defects that were not there before."""
        return sum(one.kind == "new" for one in self.changes)


def changes(before: Merged, after: Merged) -> Changes:
    """Returns what changed from the one to the other."""
    old, now = _by_key(before), _by_key(after)
    both = [key for key in old if key in now]
    same = sum(old[key]["verdict"] == now[key]["verdict"] for key in both)
    return Changes(
        changes=tuple(_changes(before, after, old, now)),
        same=same,
        different=len(both) - same,
        only_before=len(old) - len(both),
        only_after=len(now) - len(both),
    )


def _by_key(merged: Merged) -> dict[Key, Finding]:
    return {_key(one): one for _, one in merged.findings}


def _key(one: Finding) -> Key:
    return one["spec"], one["implementation"], one["dtype"], one["device"]


def _defects(merged: Merged) -> dict[str, Defect]:
    chapters = {spec["id"]: spec["chapter"] for results in merged.runs for spec in results.run["specs"]}
    return {one.id: one for one in defects_of([finding for _, finding in merged.findings], chapters)}


def _changes(before: Merged, after: Merged, old: dict[Key, Finding], now: dict[Key, Finding]) -> Iterator[Change]:
    first, second = _defects(before), _defects(after)
    for name, defect in second.items():
        if name not in first:
            yield _change("new", defect, [], defect.findings, old, now)
        elif {_key(one) for one in first[name].findings} != {_key(one) for one in defect.findings}:
            yield _change("changed", defect, first[name].findings, defect.findings, old, now)
    for name, defect in first.items():
        if name not in second:
            yield _change(_kind(defect, now), defect, defect.findings, [], old, now)


def _kind(defect: Defect, now: dict[Key, Finding]) -> Kind:
    """Returns what became of a defect that the later run does not have."""
    again = [now[_key(one)]["verdict"] for one in defect.findings if _key(one) in now]
    if not again:
        return "not run"
    kept = len(again) == len(defect.findings) and all(verdict in ("conforms", "deviates") for verdict in again)
    return "fixed" if kept else "gone"


def _change(
    kind: Kind,
    defect: Defect,
    before: Sequence[Finding],
    after: Sequence[Finding],
    old: dict[Key, Finding],
    now: dict[Key, Finding],
) -> Change:
    versions = tuple(
        ", ".join(sorted({found[_key(one)]["version"] for one in defect.findings if _key(one) in found})) or "not run"
        for found in (old, now)
    )
    return Change(kind=kind, defect=defect, before=len(before), after=len(after), versions=(versions[0], versions[1]))
