"""The reason of a verdict in one sentence.

Rules: it names quantity, place, value got and value expected; every number in it was measured; an error of bnconform's
own is called so and never reads as the implementation's.
"""

from __future__ import annotations

import math
from typing import Any

from bnconform.contract.reply import TimedOut, in_words
from bnconform.engine.agreement import Agreement
from bnconform.engine.runner import Runner
from bnconform.engine.tally import Seen, Tally
from bnconform.engine.target import Target
from bnconform.engine.weakness import CAREFUL

UNKNOWN = (
    "Nothing was computed, so nobody can be told at fault. Look at the call in the adapter first, then at what it "
    "needs on this machine, such as a version or a compiler, then at the implementation:"
)
"""Of an implementation that raised on every case, in front of what it raised."""


def reason(tally: Tally, target: Target, run: Runner | None = None) -> str:
    """Returns the reason of a verdict in one sentence."""
    seen = tally.shown
    if tally.error is not None and tally.lost:
        return f"nothing is claimed: an error of bnconform's own in {tally.error.during}: {tally.error.words}"
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


def lacking(tally: Tally) -> list[str]:
    """Returns in words what a witness lacks by an error of bnconform's own."""
    if tally.error is None or tally.lost:
        return []
    missing = "not explained" if tally.error.during == "the diagnosis" else "not shrunk"
    return [f"it is {missing}, by an error of bnconform's own: {tally.error.words}"]


def _manner(seen: Seen) -> str:
    flags = [f"{name} = {value!r}" for name, value in seen.case.flags.items()]
    return f"; the case has {', '.join(flags)}" if flags else ""


def _nothing_compared(tally: Tally) -> str:
    if tally.vacuous:
        amiss = "none was asked" if tally.ordinary is None else tally.ordinary.words
        return f"kept by silence alone, which says nothing where an ordinary case has no answer either: {amiss}"
    if tally.compared:
        return f"none of the {tally.compared} compared elements has a bound narrow enough to make a claim"
    if unbounded := tally.total or tally.unbounded:
        return f"no element of {unbounded} has a finite bound: the arithmetic may overflow there"
    # A missing output outweighs refused cases as the reason.
    never = {one for one in tally.missing if one.kind == "not offered"}
    return "; ".join(sorted({one.words for one in never or tally.missing})) or "no example was judged"


def _replied(reply: object, run: Runner | None) -> str:
    lowered = isinstance(reply, TimedOut) and run is not None and run.impatient is not None
    return in_words(reply) + ("; the full limit was waited for once" if lowered else "")


def _difference(one: Agreement) -> str:
    actual, expected, bound = (at(one, array) for array in (one.actual, one.expected, one.allowance))
    place = _place(one)
    if expected != expected:
        return f"{one.quantity}{place} is {actual:.9g}, and what it is compared with, an output too, is not a number"
    if bound == 0:
        if (actual, expected) == (0, 1):  # a statement that is true or false of each element
            return f"{one.quantity}{place}: this is not so"
        return f"{one.quantity}{place} is {actual:.9g}, and must be {expected:.9g} to the last bit"
    return (
        f"{one.quantity}{place} is {actual:.9g}; expected {expected:.9g} ± {bound:.2g}: {one.ratio:.3g} times the bound"
    )


def at(one: Agreement, array: Any) -> float:
    """Returns the value of an array at the worst element of a comparison; NaN where there is none."""
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
    """Returns where the worst element stands, to be read behind the quantity: a name, or several words."""
    if one.index is None:
        return ""
    place = f"[{', '.join(map(str, one.index))}]"
    return f" at {place}" if " " in one.quantity else place
