"""A Tally counts the values a spec compared in a search and keeps the nearest to the bound, and the case to show.

Rules: a statement that only silence kept, errors or NaN in place of numbers, is claimed of an implementation that
answers ordinary cases, and of no other; an error of bnconform's own ends a tally and is nobody's verdict.
"""

from __future__ import annotations

import contextlib
import math
import traceback
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Literal

from bnconform.contract.address import AdapterFailure
from bnconform.contract.case import Case
from bnconform.contract.reply import Crashed, NotOffered, Raised, TimedOut
from bnconform.engine.accuracy import Accuracy
from bnconform.engine.agreement import BAD, Judgement, Missing, Verdict
from bnconform.engine.asking.repetition import Repeated
from bnconform.engine.spec import Spec


@dataclass(kw_only=True)
class Tally:
    """The tally of one spec in a search: values compared, how near the bound they came, and failures seen.

    unbounded: values of comparisons in which none has a finite bound. spoken: claimed values of comparisons that
    numbers kept. silent: the first case of which silence kept the statement.
    ordinary: what came of an ordinary case, where silence alone kept it; None: none was asked. error: the first error
    of bnconform's own.
    repeated: what came of judging the witness of a failure again; None: it was not.
    """

    spec: Spec
    examples: int = 0
    total: int = 0
    compared: int = 0
    claimed: int = 0
    unbounded: int = 0
    spoken: int = 0
    ratio: float = 0.0
    quantity: str = ""
    alternative_ratio: float = 0.0
    failure: Seen | None = None
    deviation: Seen | None = None
    missing: set[Missing] = field(default_factory=set)
    accuracy: Accuracy = field(default_factory=Accuracy)
    silent: Case | None = None
    ordinary: Ordinary | None = None
    error: OwnError | None = None
    repeated: Repeated | None = None

    @property
    def repetition(self) -> Repeated | None:
        """In how many calls of its case the failure was shown; None where there is none or it was asked once."""
        reply = None if self.failure is None else self.failure.judged.reply
        if isinstance(reply, Crashed | TimedOut):
            return Repeated(reply.shown, reply.asked) if reply.asked > 1 else None
        return None if self.failure is None else self.repeated

    @property
    def flaky(self) -> bool:
        """Whether some call of its case did not show the failure."""
        return self.repetition is not None and self.repetition.flaky

    @property
    def open(self) -> bool:
        """Whether more examples can still change the verdict."""
        return self.failure is None and self.error is None

    @property
    def lost(self) -> bool:
        """Whether an error of bnconform's own ended the search before there was a verdict."""
        return self.failure is None and self.error is not None and self.error.during == "the search"

    @property
    def vacuous(self) -> bool:
        """Whether silence alone kept the statement, of an implementation that is not known to answer ordinary cases."""
        return self.claimed > 0 and not self.spoken and not (self.ordinary is not None and self.ordinary.answered)

    @property
    def verdict(self) -> Verdict:
        """The verdict over all examples."""
        if self.failure is not None:
            return self.failure.judged.verdict
        if not self.claimed or self.vacuous or self.lost:
            return "unsupported"
        return "conforms" if self.deviation is None else "deviates"

    @property
    def shown(self) -> Seen | None:
        """The case that shows the verdict; None for one that needs no showing."""
        return self.failure or (self.deviation if self.verdict == "deviates" else None)

    @property
    def raises(self) -> str | None:
        """The class of the exception that came in place of an outcome, on the case that shows the verdict."""
        reply = None if self.shown is None else self.shown.judged.reply
        return reply.type if isinstance(reply, Raised) else None

    @property
    def shown_quantity(self) -> str | None:
        """The wrong quantity on the case that shows the verdict; without one, the quantity nearest to its bound.

        None where a reply came in place of an outcome, or nothing was compared.
        """
        seen = self.shown
        if seen is None:
            return self.quantity or None
        return None if seen.judged.worst is None else seen.judged.worst.quantity

    def note(self, error: OwnError) -> None:
        """Takes note of an error of bnconform's own; the first one counts."""
        self.error = self.error or error

    def record(self, case: Case, judged: Judgement) -> None:
        """Counts one example."""
        if isinstance(judged.reply, NotOffered):
            self.missing.add(Missing("not taken", judged.reply.reason))
            return
        if judged.reply is not None:
            self.examples += 1
            self.failure = Seen(case, judged)
            return
        self.missing.update(one.missing for one in judged.agreements if one.missing is not None)
        compared = [one for one in judged.agreements if one.compared]
        self.unbounded += sum(one.total for one in judged.agreements if one.missing is None and not one.compared)
        self.examples += bool(compared)
        for one in compared:
            self.total, self.compared, self.claimed = (
                self.total + one.total,
                self.compared + one.compared,
                self.claimed + one.claimed,
            )
            self.spoken += 0 if one.silent else one.claimed
            if one.silent and self.silent is None:
                self.silent = case
            if one.ratio >= self.ratio:
                self.ratio, self.quantity = one.ratio, one.quantity
            self.accuracy.add(case, one)
            if one.alternative is not None:
                self.alternative_ratio = max(self.alternative_ratio, one.alternative.ratio)
        self._keep(Seen(case, judged))

    def _keep(self, seen: Seen) -> None:
        if seen.judged.verdict in BAD:
            self.failure = seen
        elif seen.judged.verdict == "deviates" and self.deviation is None:
            self.deviation = seen


@dataclass(frozen=True)
class Ordinary:
    """What an implementation did with an ordinary case. words: what came in place of an answer; empty for an answer."""

    words: str = ""

    @property
    def answered(self) -> bool:
        """Whether it answered with numbers."""
        return not self.words


During = Literal["the smoke test", "the replay", "the search", "shrinking", "asking again", "the diagnosis"]


@dataclass(frozen=True, eq=False)
class OwnError:
    """An exception of bnconform's own code, and the case that led to it; None: no case did."""

    exception: Exception
    during: During
    case: Case | None = None

    @property
    def words(self) -> str:
        """The exception on one line."""
        return traceback.format_exception_only(self.exception)[-1].strip()

    @property
    def traceback(self) -> str:
        """The whole traceback."""
        return "".join(traceback.format_exception(self.exception))


@dataclass(frozen=True, kw_only=True)
class Effort:
    """How much is searched: examples per spec, the seed that the cases follow from, and when a search is to end, by the
    monotonic clock, though examples are left."""

    examples: int = 100
    seed: int = 0
    until: float = math.inf


@dataclass(frozen=True, eq=False)
class Seen:
    """A case and a spec's judgement of it."""

    case: Case
    judged: Judgement


@contextlib.contextmanager
def noting(note: Callable[[OwnError], None], during: During, case: Case | None = None) -> Iterator[None]:
    """Hands an exception of bnconform's own inside a `with` to `note`, and goes on behind it.

    An adapter that does not load again is no error of bnconform's own, and passes.
    """
    try:
        yield
    except AdapterFailure:
        raise
    except Exception as error:
        note(OwnError(error, during, case))
