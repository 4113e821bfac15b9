"""The fewest faults that explain findings: which the catalogue's names, alone or two together, are enough for all.

Rules: a finding is explained by a fault that its diagnosis names, or by two that it names together, both of which must
then be there; the next choice is always what explains most for each fault that it adds; at a tie, what breaks more
statements likewise, then what was diagnosed first. No finding without a diagnosis has a say, but at a tie.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from bnconform.results.records import Finding

Cause = frozenset[str]
"""A fault, or two that are there together."""


def causes_of(finding: Finding) -> list[Cause]:
    """Returns what explains a finding according to its diagnosis, the best first."""
    named = [frozenset((one["fault"], one.get("beside", one["fault"]))) for one in finding["diagnosis"]]
    return list(dict.fromkeys(named))


def fewest(findings: Sequence[Finding]) -> list[str]:
    """Returns the fewest faults that explain all findings that have a diagnosis, those first that explain most."""
    explained: dict[Cause, set[int]] = {}
    for place, finding in enumerate(findings):
        for cause in causes_of(finding):
            explained.setdefault(cause, set()).add(place)
    likewise = Counter(fault for finding in findings for fault in finding.get("likewise", ()))
    chosen: list[str] = []
    left = {place for places in explained.values() for place in places}
    while left:
        best = max(explained, key=lambda cause: _worth(cause, chosen, explained, left, likewise))
        alone = {fault: len(explained.get(frozenset((fault,)), ())) for fault in best}
        chosen += sorted(best.difference(chosen), key=lambda fault: (-alone[fault], fault))
        left -= _covered(frozenset(chosen), explained)
    return chosen


def _worth(
    cause: Cause,
    chosen: Sequence[str],
    explained: Mapping[Cause, set[int]],
    left: set[int],
    likewise: Mapping[str, int],
) -> tuple[float, int]:
    """Returns how many more findings a cause explains for each fault that it adds, and how many it breaks likewise."""
    added = cause.difference(chosen)
    if not added:
        return 0.0, 0
    more = left & _covered(cause.union(chosen), explained)
    return len(more) / len(added), sum(likewise.get(fault, 0) for fault in added)


def _covered(faults: Cause, explained: Mapping[Cause, set[int]]) -> set[int]:
    return {place for cause, places in explained.items() if cause <= faults for place in places}


def shared_out(findings: Sequence[Finding], faults: Sequence[str]) -> dict[Cause, list[Finding]]:
    """Returns the findings of each fault, in the order of `faults`, and of two together; those of none are left out.

    What one fault explains is that fault's. What only two explain is counted with the one that explains less alone,
    as that would hardly be told otherwise; with both together where neither explains anything alone. What is broken in
    the same way, without a diagnosis of its own, comes last.
    """
    found: dict[Cause, list[Finding]] = {frozenset((fault,)): [] for fault in faults}
    together: list[tuple[Cause, Finding]] = []
    for finding in findings:
        causes = [cause for cause in causes_of(finding) if cause.issubset(faults)]
        alone = [fault for fault in faults if frozenset((fault,)) in causes]
        if alone:
            found[frozenset((alone[0],))].append(finding)
        elif causes:
            together.append((causes[0], finding))
    own = {fault: len(found[frozenset((fault,))]) for fault in faults}
    for cause, finding in together:
        lesser = min(cause, key=lambda fault: (own[fault], -faults.index(fault)))
        found.setdefault(frozenset((lesser,)) if any(own[fault] for fault in cause) else cause, []).append(finding)
    for finding in findings:
        likely = [fault for fault in faults if fault in finding.get("likewise", ())]
        theirs = [mine for cause, mine in found.items() if mine and cause.intersection(likely)]
        if theirs and not finding["diagnosis"]:
            theirs[0].append(finding)
    return {cause: mine for cause, mine in found.items() if mine}
