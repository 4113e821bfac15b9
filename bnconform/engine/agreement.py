"""An Agreement is one comparison within derived bounds; a Judgement holds a spec's comparisons on one case.

Rules: the bound is the only tolerance; an element without a finite bound is not compared; a comparison of nothing is
never agreement; a declared alternative counts only when the values match it within its own bound.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from bnconform.contract.case import Case
from bnconform.contract.reply import Broken, Crashed, NotOffered, Raised, TimedOut
from bnconform.oracle.bounds import Bound

Verdict = Literal["conforms", "deviates", "fails", "unsupported", "crashes", "hangs"]
VERDICTS: tuple[Verdict, ...] = ("conforms", "deviates", "fails", "crashes", "hangs", "unsupported")
BAD: frozenset[Verdict] = frozenset({"fails", "crashes", "hangs"})
Kind = Literal["not offered", "not taken", "refused", "not asked"]


@dataclass(frozen=True)
class Missing:
    """Why nothing could be compared.

    kind: the implementation does not return the output ("not offered"), takes no such case ("not taken"), answered it
    with an error ("refused"), or the statement asks nothing of it here ("not asked"). words: the reason in a sentence,
    which no code reads.
    """

    kind: Kind
    words: str


@dataclass(frozen=True, kw_only=True, eq=False)
class Agreement:
    """One comparison of a quantity with its expected value.

    quantity: what was compared, in words, which no code reads. output: the field of Outcome that it is about; empty
    where it is about none or several. involves: further outputs that have a part in it. aspect: what of them is
    compared, where a statement compares several things of the same ones. direct: whether an output of the case itself
    was compared as it is, as a script can that runs the case once.

    ratio: the worst error divided by the bound, over all elements with a finite bound; at most 1 in agreement.
    total, compared, claimed: numbers of elements in question, with a finite bound, and with a bound that makes a claim.
    index: where the worst element stands. alternative: the comparison with the values that the Dialect declares
    instead, and declared: the name of that Dialect field. missing: why nothing could be compared, if it could not.
    case: the case that was compared, where the drawn one only led to it and this one may be judged by itself. silent:
    whether no number kept the statement, but an error, a NaN or nothing at all: that counts only for an implementation
    that answers ordinary cases.
    """

    quantity: str
    output: str = ""
    involves: tuple[str, ...] = ()
    aspect: str = ""
    direct: bool = False
    ratio: float = 0.0
    total: int = 0
    compared: int = 0
    claimed: int = 0
    index: tuple[int, ...] | None = None
    actual: np.ndarray | None = None
    expected: np.ndarray | None = None
    allowance: np.ndarray | None = None
    alternative: Agreement | None = None
    declared: str = ""
    missing: Missing | None = None
    case: Case | None = None
    silent: bool = False

    @property
    def outputs(self) -> tuple[str, ...]:
        """All outputs that have a part in this comparison."""
        return (self.output, *self.involves) if self.output else self.involves

    @property
    def verdict(self) -> Verdict:
        """The verdict of this comparison alone: conforms, deviates, fails, or unsupported where nothing was
        compared."""
        if self.missing is not None or not self.compared:
            return "unsupported"
        if self.alternative is None:
            return "conforms" if self.ratio <= 1 else "fails"
        if self.alternative.verdict not in ("conforms", "deviates"):
            return "fails"
        return "conforms" if self.ratio <= 1 else "deviates"


def agree(
    actual: np.ndarray | None,
    expected: np.ndarray,
    *,
    within: Bound,
    output: str = "",
    quantity: str = "",
    involves: tuple[str, ...] = (),
    where: np.ndarray | None = None,
) -> Agreement:
    """Compares `actual` with `expected`, element by element, within the bound.

    An output that is compared as it is needs no `quantity`: its name is enough. `where` (boolean, broadcast) restricts
    the comparison to the elements that the statement speaks of. An `actual` of None, an output that the implementation
    does not offer, compares nothing. NaN for a number is an infinite error.
    """
    if actual is None:
        return not_offered(quantity or output)
    values = actual.astype(np.float64)
    allowance = within.allowance
    considered, claims, total = np.isfinite(allowance), within.claims, values.size
    if where is not None:
        where = np.broadcast_to(where, values.shape)
        considered, claims, total = considered & where, claims & where, int(np.count_nonzero(where))
    compared = int(np.count_nonzero(considered))
    if not compared:
        return Agreement(quantity=quantity or output, total=total)
    ratios = _ratios(values, expected, allowance, None if compared == values.size else considered)
    worst = int(ratios.argmax())
    return Agreement(
        quantity=quantity or output,
        output=output,
        involves=involves,
        direct=not quantity,
        ratio=float(ratios.flat[worst]),
        total=total,
        compared=compared,
        claimed=int(np.count_nonzero(claims)),
        index=tuple(int(i) for i in np.unravel_index(worst, ratios.shape)),
        actual=values,
        expected=expected,
        allowance=allowance,
    )


def _ratios(actual: np.ndarray, expected: np.ndarray, allowance: np.ndarray, where: np.ndarray | None) -> np.ndarray:
    """Returns error over allowance, -1 outside `where`; an error that is NaN is infinite."""
    with np.errstate(all="ignore"):
        error = np.abs(actual - expected)
        ratios = error / allowance
    if np.isnan(ratios.min()):  # one pass where nothing is odd, which is nearly always
        ratios = np.where(error == 0, 0.0, np.where(np.isnan(ratios), np.inf, ratios))
    return ratios if where is None else np.where(where, ratios, -1.0)


def not_offered(name: str, *, quantity: str = "") -> Agreement:
    """Returns the comparison that there is none of, as the implementation does not return what `name` says."""
    return Agreement(quantity=quantity or name, missing=Missing("not offered", f"{name} is not offered"))


def refused(reply: Raised, *, quantity: str) -> Agreement:
    """Returns the comparison that there is none of, as the implementation refused the case with an error."""
    return Agreement(quantity=quantity, missing=Missing("refused", f"refused: {reply.message}"))


def not_asked(why: str, *, quantity: str) -> Agreement:
    """Returns the comparison that there is none of, as the statement asks nothing of such a case."""
    return Agreement(quantity=quantity, missing=Missing("not asked", why))


def hold(
    truth: np.ndarray, *, quantity: str, output: str = "", where: np.ndarray | None = None, silent: bool = False
) -> Agreement:
    """Judges a statement that is true or false of each element, or of those in `where`: one that is false is no matter
    of degree, so its ratio is infinite. silent: as of an Agreement."""
    within = Bound(np.where(True if where is None else where, 0.0, np.inf) * np.ones(truth.shape), np.ones(truth.shape))
    return replace(agree(truth, np.ones(truth.shape), within=within, output=output, quantity=quantity), silent=silent)


def unless_declared(paper: Agreement, field: str, alternative: Agreement) -> Agreement:
    """Returns the comparison with the paper for an implementation whose Dialect declares the alternative instead.

    Use it only where the Dialect does declare it: the values must then match the alternative on every example.
    """
    return replace(paper, alternative=alternative, declared=field)


Reason = NotOffered | Raised | Crashed | TimedOut | Broken


@dataclass(frozen=True, kw_only=True, eq=False)
class Judgement:
    """The judgement of one case by one spec: its comparisons, or the reply that came in place of an outcome."""

    agreements: tuple[Agreement, ...] = ()
    reply: Reason | None = None

    @property
    def verdict(self) -> Verdict:
        """The verdict of this one case: the gravest of its comparisons'."""
        if self.reply is not None:
            return _OF_REPLY[type(self.reply)]
        found = {agreement.verdict for agreement in self.agreements}
        for verdict in ("fails", "deviates", "conforms"):
            if verdict in found:
                return verdict
        return "unsupported"

    @property
    def broken(self) -> bool:
        """Whether the adapter, not the implementation, is at fault."""
        return isinstance(self.reply, Broken)

    @property
    def signature(self) -> tuple[str, str]:
        """The signs by which another answer is of the same kind: the verdict, and what came in place of an outcome."""
        kind = self.reply.type if isinstance(self.reply, Raised) else type(self.reply).__name__
        return self.verdict, kind

    @property
    def worst(self) -> Agreement | None:
        """The comparison that decided: the one with the worst ratio among those of the judgement's verdict."""
        decisive = [one for one in self.agreements if one.verdict == self.verdict and one.compared]
        return max(decisive, key=lambda one: _decisive_ratio(one, self.verdict), default=None)

    @property
    def ratio(self) -> float:
        """The worst ratio of all comparisons; infinite where a reply came in place of an outcome."""
        if self.reply is not None:
            return 0.0 if isinstance(self.reply, NotOffered) else float("inf")
        return max((one.ratio for one in self.agreements if one.compared), default=0.0)


_OF_REPLY: dict[type, Verdict] = {
    NotOffered: "unsupported",
    Broken: "unsupported",
    Raised: "fails",
    Crashed: "crashes",
    TimedOut: "hangs",
}


def _decisive_ratio(agreement: Agreement, verdict: Verdict) -> float:
    if verdict == "fails" and agreement.alternative is not None:
        return agreement.alternative.ratio
    return agreement.ratio


def judgement(found: Agreement | Iterable[Agreement]) -> Judgement:
    """Returns the judgement that a spec's comparisons amount to."""
    return Judgement(agreements=(found,) if isinstance(found, Agreement) else tuple(found))
