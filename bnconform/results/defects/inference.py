"""The defects of one implementation that nobody knows yet, inferred from its findings.

Rules: a broken adapter is one defect, and each way of not answering is one; silent failures have the fewest faults of
the catalogue that explain them; what none explains stands together by the slip that would give it, or by the output
that is wrong and how; every finding belongs to exactly one defect.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from bnconform.results.defects.covering import Cause, causes_of, fewest, shared_out
from bnconform.results.defects.defect import Defect, Severity
from bnconform.results.reason import UNKNOWN
from bnconform.results.records import Finding, is_flaky

UNUSUAL = frozenset({"degenerate", "edges", "masks", "state", "defaults", "third_order", "statistics_gradients"})
"""Chapters whose cases are no training step or inference on ordinary data."""
NO_FAULT = "and no known fault explains it"
SIZES = "sizes"
"""The chapter whose failures, where they have a condition, show in no smaller case."""
LOST = "lost", "Something is lost or counted twice{}"


def inferred(name: str, findings: Sequence[Finding], chapters: Mapping[str, str]) -> list[Defect]:
    """Returns the defects of one implementation that nobody knows yet. chapters: the chapter of each spec."""
    parts: dict[str, list[Finding]] = {"adapter": [], "flaky": [], "silent": [], "loud": []}
    for one in findings:
        silent = "silent" if _is_silent(one) else "loud"
        parts["adapter" if one.get("fault") == "adapter" else "flaky" if is_flaky(one) else silent].append(one)
    return [
        *_of_the_adapter(name, parts["adapter"]),
        *_flaky(name, parts["flaky"], chapters),
        *_silent(name, parts["silent"], chapters),
        *_loud(name, parts["loud"]),
    ]


def _of_the_adapter(name: str, findings: list[Finding]) -> list[Defect]:
    if not findings:
        return []
    return [
        Defect(
            id=f"{name}/adapter",
            title="The adapter is broken, so that what it returned was not judged",
            severity="loud",
            effect="Correct the adapter: these statements were compared with nothing.",
            fault="adapter",
            findings=findings,
        )
    ]


def _is_silent(finding: Finding) -> bool:
    return finding["verdict"] == "fails" and finding.get("raises") is None


def _flaky(name: str, findings: list[Finding], chapters: Mapping[str, str]) -> list[Defect]:
    """Returns the one defect of answers that differ between calls of the same case."""
    if not findings:
        return []
    silent = [one for one in findings if _is_silent(one)]
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


def _silent(name: str, findings: Sequence[Finding], chapters: Mapping[str, str]) -> list[Defect]:
    """Returns the fewest faults of the catalogue that explain the findings, then what none explains."""
    shares = shared_out(findings, fewest(findings))
    named = {id(one) for mine in shares.values() for one in mine}
    rest = [one for one in findings if id(one) not in named]
    found = [_behaving_like(name, cause, mine, chapters) for cause, mine in shares.items()]
    return [*found, *_unnamed(name, rest, chapters)]


def _behaving_like(name: str, cause: Cause, findings: list[Finding], chapters: Mapping[str, str]) -> Defect:
    """Returns the defect of a fault, or of two of which neither explains anything alone."""
    told = {one["fault"]: one for each in findings for one in each["diagnosis"]}
    first, *others = sorted(cause, key=list(told).index)
    by_value = [one for one in findings if one["diagnosis"]]
    alone = [one for one in by_value if frozenset((first,)) in causes_of(one)]
    beside = others or ([] if alone else [_partner(first, by_value)])
    sentences = [told[one]["sentence"] for one in (first, *others)]
    convention = " It is a known convention: declare it, with a link, if it is documented."
    together = f" together with {beside[0]}" if beside else ""
    return Defect(
        id=f"{name}/{'+'.join((first, *others))}",
        title=f"Behaves like {first}{together}".replace("_", " ") + _only(findings),
        severity=_severity(findings, chapters),
        effect=" ".join(sentences) + convention * (told[first]["convention"] and not others),
        likely=first,
        beside="".join(beside),
        words=_how_far(findings, by_value, alone if not beside else by_value),
        findings=findings,
    )


def _partner(fault: str, findings: Sequence[Finding]) -> str:
    """Returns the fault together with which alone another explains most findings."""
    partners = Counter(
        one["beside"] for each in findings for one in each["diagnosis"] if one["fault"] == fault and "beside" in one
    )
    return partners.most_common(1)[0][0]


def _how_far(findings: Sequence[Finding], by_value: Sequence[Finding], alone: Sequence[Finding]) -> str:
    words = f"its values explain {len(by_value)} of the {len(findings)}"
    if len(alone) < len(by_value):
        words += f", {len(by_value) - len(alone)} of them together with another fault"
    if len(by_value) < len(findings):
        words += "; the others it breaks in the same quantity, where rounding hides its values"
    return words


def _unnamed(name: str, findings: Sequence[Finding], chapters: Mapping[str, str]) -> list[Defect]:
    by_symptom: dict[tuple[str, str], list[Finding]] = {}
    for one in findings:
        large = one.get("only") and chapters.get(one["spec"]) == SIZES
        by_symptom.setdefault(LOST if large else _symptom(one), []).append(one)
    return [
        Defect(
            id=f"{name}/{key}".replace(" ", "-"),
            title=title.format(_only(mine)),
            severity=_severity(mine, chapters),
            effect=mine[0].get("reason", ""),
            findings=mine,
        )
        for (key, title), mine in by_symptom.items()
    ]


def _symptom(finding: Finding) -> tuple[str, str]:
    """Returns what an unexplained finding has in common with others: a word for it and the title, with a place for the
    condition. A relation between outputs is broken by an answer that is wrong by itself, where one was shown."""
    if slip := finding.get("slip"):
        return slip, f"It gives what {slip} gives{{}}"
    detail: Mapping[str, Any] = finding.get("detail") or {}
    shown: Mapping[str, Any] = detail.get("shown") or {}
    output = shown.get("output") or finding.get("output", "")
    if not output:
        return "unnamed", f"A relation between outputs is wrong{{}}, {NO_FAULT}"
    if shown.get("output"):
        got, due = (_number(shown.get(name), shown.get("index")) for name in ("actual_values", "expected_values"))
    else:
        got, due = (_number(detail.get(name), ()) for name in ("actual", "expected"))
    if got is not None and due is not None and math.isfinite(due) and not math.isfinite(got):
        state = "NaN" if math.isnan(got) else "infinite"
        return f"{output} {state}", f"{output} is {state} where it must be finite{{}}"
    return output, f"{output} is wrong{{}}, {NO_FAULT}"


def _number(values: Any, index: Any) -> float | None:
    """Returns the number at an index of nested lists; None where a stranger's file has none there."""
    try:
        for place in index:
            values = values[place]
        return float(values)
    except (TypeError, ValueError, IndexError):
        return None


def _only(findings: Sequence[Finding]) -> str:
    """Returns the condition that most of the findings name, to stand in a title."""
    most, count = Counter(one.get("only", "") for one in findings).most_common(1)[0]
    return f", only where {most}" if most and 2 * count > len(findings) else ""


def _severity(findings: Sequence[Finding], chapters: Mapping[str, str]) -> Severity:
    return "unusual" if all(chapters.get(one["spec"]) in UNUSUAL for one in findings) else "ordinary"
