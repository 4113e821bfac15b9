"""Findings become defects: one cause, whatever it breaks, with all the findings that it explains.

Rules: a pure function of the findings; every finding that is wrong belongs to exactly one defect, so that their counts
add up; what the registry knows has the defect that it names; of the others the fewest faults are named that explain
the most, and what none explains stands together by how it shows.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Literal

from bnconform.engine.agreement import BAD
from bnconform.results.reason import UNKNOWN
from bnconform.results.records import Finding, is_flaky, is_known

Severity = Literal["ordinary", "unusual", "loud", "prudence"]
SEVERITIES: tuple[Severity, ...] = ("ordinary", "unusual", "loud", "prudence")
"""Silent on ordinary data; silent on unusual data or use; loud: it raises, crashes or hangs; documented by nobody and
asked for by prudence alone. The worst comes first."""
UNUSUAL = frozenset({"degenerate", "edges", "masks", "state", "defaults", "third_order", "statistics_gradients"})
"""Chapters whose cases are no training step or inference on ordinary data."""


@dataclass(kw_only=True, eq=False)
class Defect:
    """A defect and the findings that it explains.

    id: of the registry, or made of implementation and fault. known: whether the registry knows it. words: how far the
    name explains the findings. likely: the fault of the catalogue that it behaves like; empty for none.
    """

    id: str
    title: str
    severity: Severity
    effect: str
    known: bool = False
    fault: str = "implementation"
    likely: str = ""
    words: str = ""
    findings: list[Finding] = field(default_factory=list)

    @property
    def implementations(self) -> list[str]:
        """The implementations that have it."""
        return list(dict.fromkeys(one["implementation"] for one in self.findings))

    @property
    def dtypes(self) -> list[str]:
        """The dtypes in which it shows."""
        return list(dict.fromkeys(one["dtype"] for one in self.findings))

    @property
    def specs(self) -> list[str]:
        """The statements that it breaks, those first that most findings are of."""
        return [spec for spec, _ in Counter(one["spec"] for one in self.findings).most_common()]

    @property
    def prudent(self) -> bool:
        """Whether no document makes any of the statements that it breaks."""
        return all(one.get("basis") == "prudence" for one in self.findings)


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
        for defect in _inferred(name, mine, chapters):
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


def _inferred(name: str, findings: Sequence[Finding], chapters: dict[str, str]) -> list[Defect]:
    """Returns the defects of one implementation that nobody knows yet."""
    parts: dict[str, list[Finding]] = {"adapter": [], "flaky": [], "silent": [], "loud": []}
    for one in findings:
        silent = "silent" if one["verdict"] == "fails" and one.get("raises") is None else "loud"
        parts["adapter" if one.get("fault") == "adapter" else "flaky" if is_flaky(one) else silent].append(one)
    return [
        *_of_the_adapter(name, parts["adapter"]),
        *_flaky(name, parts["flaky"], chapters),
        *_named(name, parts["silent"], chapters),
        *_loud(name, parts["loud"]),
    ]


def _of_the_adapter(name: str, findings: list[Finding]) -> list[Defect]:
    if not findings:
        return []
    return [
        Defect(
            id=f"{name}/adapter",
            title="The adapter is broken, so nothing was judged",
            severity="loud",
            effect="Correct the adapter: what it returned was not yet compared with anything.",
            fault="adapter",
            findings=findings,
        )
    ]


def _flaky(name: str, findings: list[Finding], chapters: dict[str, str]) -> list[Defect]:
    """Returns the one defect of answers that differ between calls of the same case."""
    if not findings:
        return []
    silent = [one for one in findings if one["verdict"] == "fails" and one.get("raises") is None]
    best = (silent or findings)[0]
    shown = best["repeated"]
    return [
        Defect(
            id=f"{name}/flaky",
            title="It is flaky: the same case is answered in different ways",
            severity=_severity(silent, chapters) if silent else "loud",
            effect=f"{shown['shown']} of {shown['asked']} calls of the same case showed it: {best.get('reason', '')}",
            findings=findings,
        )
    ]


def _loud(name: str, findings: Sequence[Finding]) -> list[Defect]:
    """Returns a defect for each way of not answering."""
    found: dict[str, Defect] = {}
    for one in findings:
        how = f"raises {one['raises']}" if one.get("raises") else one["verdict"]
        if how not in found:
            found[how] = Defect(id=f"{name}/{how.replace(' ', '-')}", title=f"It {how}", severity="loud",
                                effect=one.get("reason", ""))  # fmt: skip
            if one.get("fault") == "unknown":
                found[how].title += " on every case, ordinary ones too"
                found[how].fault, found[how].effect = "unknown", f"{UNKNOWN} {found[how].effect}"
        found[how].findings.append(one)
    return list(found.values())


def _named(name: str, findings: Sequence[Finding], chapters: dict[str, str]) -> list[Defect]:
    """Returns the fewest faults of the catalogue that explain the findings, then what none explains, by output."""
    left, found = list(findings), []
    while left:
        fault, mine = _most_telling(left)
        if not mine:
            break
        explained = {id(one) for one in mine}
        left = [one for one in left if id(one) not in explained]
        found.append(_behaving_like(name, fault, mine, chapters))
    return [*found, *_unnamed(name, left, chapters)]


def _most_telling(findings: Sequence[Finding]) -> tuple[str, list[Finding]]:
    """Returns the fault that explains most of the findings, and those: the values of at least one of them, and of the
    others the values, or that they are broken in the same way."""
    explained: dict[str, list[Finding]] = {}
    for one in findings:
        for likely in one["diagnosis"]:
            explained.setdefault(likely["fault"], []).append(one)
    broken = {fault: [one for one in findings if fault in one.get("likewise", ())] for fault in explained}
    best = max(explained, key=lambda one: len(explained[one]) + len(broken[one]), default="")
    return best, [*explained.get(best, []), *broken.get(best, [])]


def _behaving_like(name: str, fault: str, findings: list[Finding], chapters: dict[str, str]) -> Defect:
    (sentence, convention), *_ = [
        (one["sentence"], one["convention"]) for each in findings for one in each["diagnosis"] if one["fault"] == fault
    ]
    by_value = [each for each in findings if any(one["fault"] == fault for one in each["diagnosis"])]
    words = f"its values explain {len(by_value)} of the {len(findings)}"
    if len(by_value) < len(findings):
        words += "; the others it breaks in the same quantity, where rounding hides its values"
    return Defect(
        id=f"{name}/{fault}",
        title=f"Behaves like {fault.replace('_', ' ')}{_only(findings)}",
        severity=_severity(findings, chapters),
        effect=sentence + (" It is a known convention: declare it, with a link, if it is documented." * convention),
        likely=fault,
        words=words,
        findings=findings,
    )


def _unnamed(name: str, findings: Sequence[Finding], chapters: dict[str, str]) -> list[Defect]:
    by_output: dict[str, list[Finding]] = {}
    for one in findings:
        by_output.setdefault(one.get("output", ""), []).append(one)
    return [
        Defect(
            id=f"{name}/{output or 'unnamed'}".replace(" ", "-"),
            title=f"{output or 'A relation between outputs'} is wrong{_only(mine)}, and no known fault explains it",
            severity=_severity(mine, chapters),
            effect=mine[0].get("reason", ""),
            findings=mine,
        )
        for output, mine in by_output.items()
    ]


def _only(findings: Sequence[Finding]) -> str:
    """Returns the condition that most of the findings name, to stand in a title."""
    most, count = Counter(one.get("only", "") for one in findings).most_common(1)[0]
    return f", only where {most}" if most and 2 * count > len(findings) else ""


def _severity(findings: Sequence[Finding], chapters: dict[str, str]) -> Severity:
    return "unusual" if all(chapters.get(one["spec"]) in UNUSUAL for one in findings) else "ordinary"
