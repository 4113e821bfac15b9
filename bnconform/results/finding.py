"""A Finding, the record of a verdict, is made out of a tally, with a sentence for its reason.

Rules: every number in a finding was measured; the reason names quantity, place, value got and value expected; a fault
of the adapter is called so and never reads as the framework's; texts from outside are cut here, once, to the length
that results hold.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, Literal, cast

from bnconform.analysis.diagnosis import Diagnosis
from bnconform.analysis.diagnosis.shown import Shown
from bnconform.contract.implementation import LONGEST_NAME
from bnconform.contract.reply import Crashed, Raised
from bnconform.engine.agreement import BAD
from bnconform.engine.asking.repetition import Unrepeated
from bnconform.engine.runner import Runner
from bnconform.engine.smoke import Smoke
from bnconform.engine.spec import Spec
from bnconform.engine.tally import OwnError, Seen, Tally
from bnconform.engine.target import Target
from bnconform.results.deviations.replayed import Replayed
from bnconform.results.reason import at, lacking, reason
from bnconform.results.records import (
    LARGEST,
    Absence,
    Detail,
    Finding,
    Known,
    OwnErrorRecord,
    ShownRecord,
    case_record,
    plain,
)
from bnconform.results.repetition import repetition_of, repetition_words, unrepeated_records
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
    unrepeated: Sequence[Unrepeated] = (),
) -> Finding:
    """Returns the record of a verdict; where its witness lies is filled in by the function that writes it.

    smoke: the smoke test of its adapter. diagnosis: the explanation of the failure. replayed: the replay of the known
    deviation that covers it. unrepeated: what calls on the way to it showed and others of the same case did not.
    """
    seen = tally.shown
    broken = seen is not None and seen.judged.broken
    quantity = tally.shown_quantity
    worst = None if seen is None else seen.judged.worst
    outputs = () if worst is None else worst.outputs
    slips = smoke.slips(tally.verdict, outputs)
    asides = [*lacking(tally), *smoke.asides(tally.verdict, outputs), *repetition_words(tally, unrepeated)]
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
        "fault": _fault(tally, broken=broken, unanswered=smoke.unanswered and replayed is None),
        "reason": clipped("; ".join([reason(tally, target, run), *asides])),
        "raises": None if tally.raises is None else clipped(tally.raises, LONGEST_NAME),
        "compared": tally.compared,
        "detail": _shown_in_detail(tally, broken=broken),
    }
    if tally.verdict == "unsupported" and not broken:
        record["missing"] = _missing(tally)
        if smoke.lacks and record["missing"] == "not offered":
            record["lacks"] = list(smoke.lacks)
    if slips:
        record["slip"] = clipped(slips[0], LONGEST_NAME)
    if unrepeated:
        record["unrepeated"] = unrepeated_records(unrepeated)
    if replayed is not None:
        record["known"] = _known(replayed)
    _add_of_search(record, tally)
    _add_diagnosis(record, diagnosis)
    return record


def _add_of_search(record: Finding, tally: Tally) -> None:
    """Adds what the search found out that not every finding has."""
    worst = None if tally.shown is None else tally.shown.judged.worst
    if worst is not None:
        record["output"] = worst.output
        if worst.declared:
            record["declared"] = worst.declared
    if tally.spec.basis != "stated":
        record["basis"] = tally.spec.basis
    if tally.error is not None:
        record["error"] = _own_error(tally.error)
    if points := tally.accuracy.points:
        record["accuracy"] = [[_brief(kappa), size, _brief(error)] for kappa, size, error in points]
    if repeated := repetition_of(tally):
        record["repeated"] = repeated


def _add_diagnosis(record: Finding, diagnosis: Diagnosis) -> None:
    """Adds what explains the failure."""
    if diagnosis.shown is not None and record["detail"] is not None:
        record["detail"]["shown"] = _shown(diagnosis.shown)
    if diagnosis.only:
        record["only"] = diagnosis.only
    if diagnosis.likewise:
        record["likewise"] = list(diagnosis.likewise)
    if diagnosis.words:
        record["explanation"] = clipped(diagnosis.words)


def _brief(figure: float) -> float:
    """Returns a figure in four digits; the largest number for one that is not finite."""
    return float(f"{figure:.4g}") if math.isfinite(figure) else LARGEST


def _fault(
    tally: Tally, *, broken: bool, unanswered: bool
) -> Literal["adapter", "implementation", "bnconform", "unknown"] | None:
    """Returns who is at fault where a statement is not kept or not judged."""
    if tally.verdict in BAD:
        return "unknown" if unanswered and tally.raises is not None else "implementation"
    return "adapter" if broken else "bnconform" if tally.lost else None


def _own_error(error: OwnError) -> OwnErrorRecord:
    kind = clipped(type(error.exception).__name__, LONGEST_NAME)
    words, trace = clipped(error.words), clipped(error.traceback, kept="end")
    return {"during": error.during, "type": kind, "words": words, "traceback": trace}


def _shown_in_detail(tally: Tally, *, broken: bool) -> Detail | None:
    if tally.shown is not None:
        return None if broken else _detail(tally.shown)
    case = None if tally.error is None else tally.error.case
    return None if case is None else {"case": case_record(case), "traceback": None, "stderr": None}


def not_run(spec: Spec, target: Target, why: str) -> Finding:
    """Returns the record of what was not judged for want of time."""
    record = finding(Tally(spec=spec), target)
    return {**record, "missing": "not run", "reason": f"not run: {why}"}


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


def _missing(tally: Tally) -> Absence:
    """Returns the kind of what is missing for a verdict; an output that is never offered outweighs the rest."""
    if tally.vacuous:
        return "no answer"
    if tally.total or tally.unbounded:
        return "no claim"
    kinds = {one.kind for one in tally.missing}
    return next((kind for kind in ("not offered", "not taken", "refused") if kind in kinds), "not asked")


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
            "actual": plain(at(shown, shown.actual)),
            "expected": plain(at(shown, shown.expected)),
            "bound": plain(at(shown, shown.allowance)),
            "actual_values": plain(shown.actual),
            "expected_values": plain(shown.expected),
            "bound_values": plain(shown.allowance),
        }
    return detail
