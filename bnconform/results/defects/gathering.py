"""Findings become defects: one cause, whatever it breaks, with all the findings that it explains.

Rules: a pure function of the findings; every finding that is wrong belongs to exactly one defect, so that their counts
add up; what the registry knows has the defect that it names; of the others the fewest faults are named that explain
the most, and what none explains stands together by how it shows.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from bnconform.engine.agreement import BAD
from bnconform.results.defects.defect import SEVERITIES, Defect
from bnconform.results.defects.inference import inferred
from bnconform.results.records import Finding, is_known

KEPT = frozenset({"conforms", "deviates"})


def is_wrong(finding: Finding) -> bool:
    """Returns whether a finding needs a defect to explain it: a statement not kept, or an adapter at fault."""
    return finding["verdict"] in BAD or finding.get("fault") == "adapter"


def defects_of(findings: Iterable[Finding], chapters: dict[str, str]) -> list[Defect]:
    """Returns the defects that explain all wrong findings, those first that are not known, then the worst.

    chapters: the chapter of each spec.
    """
    all_of_them = list(findings)
    wrong = [one for one in all_of_them if is_wrong(one)]
    found = _known([one for one in wrong if is_known(one)])
    rest: dict[str, list[Finding]] = {}
    for one in wrong:
        if not is_known(one):
            rest.setdefault(one["implementation"], []).append(one)
    kept: dict[str, list[Finding]] = {}
    for one in all_of_them:
        if one["implementation"] in rest and one["verdict"] in KEPT:
            kept.setdefault(one["implementation"], []).append(one)
    for name, mine in rest.items():
        for defect in inferred(name, mine, chapters):
            found.append(_in_some_types(defect, kept.get(name, [])))
    for defect in found:
        if defect.prudent:
            defect.severity = "prudence"
    return sorted(found, key=lambda one: (one.known, SEVERITIES.index(one.severity), -len(one.findings)))


def _in_some_types(defect: Defect, kept: Sequence[Finding]) -> Defect:
    """Returns the defect, with the types in its title where its statements are kept in others."""
    broken, specs = set(defect.dtypes), set(defect.specs)
    others = {one["dtype"] for one in kept if one["spec"] in specs} - broken
    if defect.severity != "loud" and others:
        defect.title += f", only in {' and '.join(defect.dtypes)}"
    return defect


def _known(findings: Sequence[Finding]) -> list[Defect]:
    found: dict[str, Defect] = {}
    for one in findings:
        known = one["known"]
        name = known.get("defect") or known["reason"]
        if name not in found:
            severity = known.get("severity")
            found[name] = Defect(
                id=name,
                title=known.get("title") or known["reason"],
                severity=severity if severity in SEVERITIES else "unusual",
                effect=known.get("effect", ""),
                known=True,
                fault=known["fault"],
            )
        found[name].findings.append(one)
    return list(found.values())
