"""A Finding, the record of a verdict, is made out of a tally, with a sentence for its reason.

Rules: every number in a finding was measured; the reason names quantity, place, value got and value expected; a fault
of the adapter is called so and never reads as the framework's; texts from outside are cut here, once, to the length
that results hold.
"""

from __future__ import annotations

import math
from typing import Any, cast

from bnconform.analysis.diagnosis import Diagnosis
from bnconform.analysis.diagnosis.shown import Shown
from bnconform.contract.implementation import LONGEST_NAME
from bnconform.contract.reply import Crashed, Raised, TimedOut, in_words
from bnconform.engine.agreement import BAD, Agreement
from bnconform.engine.runner import Runner
from bnconform.engine.smoke import Smoke
from bnconform.engine.tally import Seen, Tally
from bnconform.engine.target import Target
from bnconform.engine.weakness import CAREFUL
from bnconform.results.deviations.replayed import Replayed
from bnconform.results.records import LARGEST, Absence, Detail, Finding, Known, ShownRecord, case_record, plain
from bnconform.results.text import clipped

NOTHING_AMISS, UNDIAGNOSED = Smoke(), Diagnosis()


def finding(
    tally: Tally,
    target: Target,
    run: Runner | None = None,
    *,
    smoke: Smoke = NOTHING_AMISS,
    diagnosis: Diagnosis = UNDIAGNOSED,
    replayed: Replayed | None = None,
) -> Finding:
    """Returns the record of a verdict; where its witness lies is filled in by the function that writes it.

    smoke: the smoke test of its adapter. diagnosis: the explanation of the failure. replayed: the replay of the known
    deviation that covers it.
    """
    seen = tally.shown
    broken = seen is not None and seen.judged.broken
    quantity = tally.shown_quantity
    worst = None if seen is None else seen.judged.worst
    asides = smoke.asides(tally.verdict, () if worst is None else worst.outputs)
    record: Finding = {
        "kind": "finding",
        "spec": tally.spec.id,
        "implementation": target.implementation.name,
        "version": clipped(target.implementation.version, LONGEST_NAME),
        "dtype": target.dtype,
        "device": target.device,
        "verdict": tally.verdict,
        "worst_ratio": tally.ratio if tally.compared or (seen is not None and not broken) else None,
        "quantity": None if quantity is None else clipped(quantity, LONGEST_NAME),
        "examples": tally.examples,
        "claimed": tally.claimed / tally.total if tally.total else None,
        "diagnosis": list(diagnosis.likely),
        "witness": None,
        "reproduce": None,
        "fault": "adapter" if broken else "implementation" if tally.verdict in BAD else None,
        "reason": clipped("; ".join([reason(tally, target, run), *asides])),
        "raises": None if tally.raises is None else clipped(tally.raises, LONGEST_NAME),
        "compared": tally.compared,
        "detail": None if seen is None or broken else _detail(seen),
    }
    if worst is not None:
        record["output"] = worst.output
        if worst.declared:
            record["declared"] = worst.declared
    if tally.verdict == "unsupported" and not broken:
        record["missing"] = _missing(tally)
    if tally.spec.basis != "stated":
        record["basis"] = tally.spec.basis
    if diagnosis.shown is not None and record["detail"] is not None:
        record["detail"]["shown"] = _shown(diagnosis.shown)
    if diagnosis.only:
        record["only"] = diagnosis.only
    if diagnosis.likewise:
        record["likewise"] = list(diagnosis.likewise)
    if points := tally.accuracy.points:
        record["accuracy"] = [[_brief(kappa), size, _brief(error)] for kappa, size, error in points]
    if diagnosis.words:
        record["explanation"] = clipped(diagnosis.words)
    if replayed is not None:
        record["known"] = _known(replayed)
    return record


def _brief(figure: float) -> float:
    """Returns a figure in four digits; the largest number for one that is not finite."""
    return float(f"{figure:.4g}") if math.isfinite(figure) else LARGEST


def _known(replayed: Replayed) -> Known:
    """Returns the known cause of a finding, or a note that the entry is stale, with the remedy."""
    cause = replayed.deviation.cause
    known: dict[str, Any] = {"fault": cause.fault, "reason": clipped(cause.reason), "link": cause.link}
    known |= {"defect": cause.defect.id, "title": cause.defect.title}
    known |= {"severity": cause.defect.severity, "effect": cause.defect.effect}
    if cause.script not in ("", cause.link):
        known["script"] = cause.script
    if not replayed.holds:
        known |= {"stale": True, "entry": replayed.deviation.place, "words": clipped(replayed.words)}
    return cast(Known, known)


def reason(tally: Tally, target: Target, run: Runner | None = None) -> str:
    """Returns the reason of a verdict in one sentence."""
    seen = tally.shown
    if tally.verdict == "conforms":
        return f"within the bound everywhere; worst error {tally.ratio:.3g} of the bound, in {tally.quantity}"
    if seen is None:
        return _nothing_compared(tally)
    if seen.judged.reply is not None:
        return f"{_replied(seen.judged.reply, run)}{_manner(seen)}"
    worst = seen.judged.worst
    if worst is None:
        raise ValueError(f"{tally.spec.id}: verdict {tally.verdict} without a comparison")
    if tally.verdict == "deviates":
        return _declared(worst, tally, target)
    decisive = worst if worst.alternative is None else worst.alternative
    declared = f", though its Dialect declares {worst.declared}" if worst.alternative is not None else ""
    return f"{_difference(decisive)}{declared}{_manner(seen)}"


def _manner(seen: Seen) -> str:
    flags = [f"{name} = {value!r}" for name, value in seen.case.flags.items()]
    return f"; the case has {', '.join(flags)}" if flags else ""


def _missing(tally: Tally) -> Absence:
    """Returns the kind of what is missing for a verdict; an output that is never offered outweighs the rest."""
    if tally.total:
        return "no claim"
    kinds = {one.kind for one in tally.missing}
    return next((kind for kind in ("not offered", "not taken", "refused") if kind in kinds), "not asked")


def _nothing_compared(tally: Tally) -> str:
    if tally.compared:
        return f"none of the {tally.compared} compared elements has a bound narrow enough to make a claim"
    if tally.total:
        return f"no element of {tally.total} has a finite bound: the arithmetic may overflow there"
    # A missing output outweighs refused cases as the reason.
    never = {one for one in tally.missing if one.kind == "not offered"}
    return "; ".join(sorted({one.words for one in never or tally.missing})) or "no example was judged"


def _replied(reply: object, run: Runner | None) -> str:
    lowered = isinstance(reply, TimedOut) and run is not None and run.impatient is not None
    return in_words(reply) + ("; the full limit was waited for once" if lowered else "")


def _difference(one: Agreement) -> str:
    actual, expected, bound = (_at(one, array) for array in (one.actual, one.expected, one.allowance))
    place = _place(one)
    if expected != expected:
        return f"{one.quantity}{place} is {actual:.9g}, and what it is compared with, an output too, is not a number"
    if bound == 0:
        return f"{one.quantity}{place}: no; it is {actual:.9g} where it must be {expected:.9g}"
    return (
        f"{one.quantity}{place} is {actual:.9g}; expected {expected:.9g} ± {bound:.2g}: {one.ratio:.3g} times the bound"
    )


def _at(one: Agreement, array: Any) -> float:
    return float("nan") if array is None or one.index is None else float(array[one.index])


def _declared(worst: Agreement, tally: Tally, target: Target) -> str:
    dialect = target.dialect
    link = dialect.links.get(worst.declared, "")
    documented = f", documented at {link}" if link else ", which its Dialect declares without a link"
    return (
        f"{worst.quantity} is as declared, {worst.declared} = {getattr(dialect, worst.declared)!r}{documented}; worst "
        f"error {tally.alternative_ratio:.3g} of the bound there, {tally.ratio:.3g} times the bound of this statement"
        f"{_digits_lost(worst)}"
    )


def _digits_lost(worst: Agreement) -> str:
    """Returns in words how many digits a declared algorithm loses beside a careful one, and where; else nothing."""
    if worst.declared not in CAREFUL or not 1 < worst.ratio < float("inf"):
        return ""
    return f"; in its witness {math.log10(worst.ratio):.1f} digits are lost at {worst.quantity}{_place(worst)}"


def _place(one: Agreement) -> str:
    return "" if one.index is None else f"[{', '.join(map(str, one.index))}]"


def _shown(one: Shown) -> ShownRecord:
    return {
        "case": case_record(one.case),
        "output": one.output,
        "index": list(one.index),
        "actual_values": plain(one.actual),
        "expected_values": plain(one.expected),
        "bound_values": plain(one.allowance),
    }


def _detail(seen: Seen) -> Detail:
    detail: Detail = {"case": case_record(seen.case), "traceback": None, "stderr": None}
    reply, worst = seen.judged.reply, seen.judged.worst
    if isinstance(reply, Raised):
        detail["traceback"] = clipped(reply.traceback, kept="end")  # the exception stands there
    if isinstance(reply, Crashed):
        detail["stderr"] = clipped(reply.stderr, kept="end")
    if worst is not None:
        shown = worst.alternative if seen.judged.verdict == "fails" and worst.alternative is not None else worst
        detail |= {
            "index": list(shown.index or ()),
            "actual": plain(_at(shown, shown.actual)),
            "expected": plain(_at(shown, shown.expected)),
            "bound": plain(_at(shown, shown.allowance)),
            "actual_values": plain(shown.actual),
            "expected_values": plain(shown.expected),
            "bound_values": plain(shown.allowance),
        }
    return detail
