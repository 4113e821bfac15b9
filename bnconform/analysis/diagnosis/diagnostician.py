"""A Diagnostician compares one implementation's outcomes in one dtype with every fault of the catalogue.

Rules: a diagnosis follows from witness and target alone, not from what was diagnosed before. A fault explains a witness
where every output lies within its allowance and the right formulas do not explain some. Fresh cases of the witness's
family must match. Cases of other families only separate the faults that are left: one that none of them explains shows
something else. An ordinary case that is right refutes a fault that would make it wrong. Where the right formulas
explain every single outcome, as of a relation between two, a fault must break the same spec in the same way.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import cached_property
from typing import Literal, NamedTuple

from bnconform.analysis.diagnosis.by_size import by_size, is_large
from bnconform.analysis.diagnosis.comparing import (
    Outputs,
    closest,
    matching,
    outputs_of,
    performed,
    ratio,
    shown,
    tells_apart,
)
from bnconform.analysis.diagnosis.conditions import EVERYWHERE, Condition, condition, design
from bnconform.analysis.diagnosis.diagnosis import NOTHING, Diagnosis, explained, ranked
from bnconform.analysis.diagnosis.evidence import PERFORMABLE, Evidence, evidence, evidence_of, told
from bnconform.analysis.diagnosis.fresh_cases import FreshCases
from bnconform.analysis.diagnosis.matching import Exhibit
from bnconform.analysis.diagnosis.pairs import is_needed, pairs_of
from bnconform.analysis.diagnosis.prediction import in_dialect
from bnconform.analysis.diagnosis.rounding_failure import rounding_failure
from bnconform.analysis.diagnosis.shown import raising, worst_of
from bnconform.analysis.faults import FAULTS, Fault
from bnconform.analysis.fingerprint.fingerprinting import fingerprint, rank_of
from bnconform.cases.strategies import Given
from bnconform.contract.case import Case
from bnconform.contract.outcome import Outcome
from bnconform.contract.reply import NotOffered, Raised
from bnconform.engine.runner import Ask
from bnconform.engine.spec import Spec, Subject
from bnconform.engine.tally import Seen, Tally
from bnconform.engine.target import Target

MODES: tuple[Literal["train", "infer"], ...] = ("train", "infer")
MOST_ASKED = 8
"""How many cases are asked to tell faults apart."""
MOST_KEPT = 16
"""How many exhibits are kept; each holds what every fault makes of its case."""
MOST_LOOKED_AT = 3
"""How many wrong answers to ordinary cases stand for that to a large case."""
UNREPEATED = "asked again, it gave another answer"
NOT_COMPARED = "not compared with known faults, which take no such cases"
GRADED = "variance algorithm"
"""The property of the fingerprint that grades the variance."""


class Posed(NamedTuple):
    """The cases that a failure is from, and the condition that further ones are to fulfil."""

    given: Given
    under: Condition = EVERYWHERE


class Diagnostician:
    """Diagnoses the failures of one target. What it keeps saves work and changes no answer: fresh cases with their
    answers, and the latest exhibits, since the specs of a family are often broken on one case."""

    def __init__(self, target: Target, ask: Ask) -> None:
        self._target, self._ask = target, ask
        self._faults = [fault for fault in FAULTS if target.dtype in fault.dtypes]
        self._cases = FreshCases(target.traits, target.implementation.features)
        self._answers: dict[Case, Exhibit | None] = {}
        self._exhibits: dict[object, Exhibit] = {}
        self._conditions: dict[str, Condition] = {}

    def explain(self, tally: Tally) -> Diagnosis:
        """Returns what explains a tally's failure; nothing where there is none."""
        return Diagnosis() if tally.failure is None else self.diagnose(tally.spec, tally.failure)

    def diagnose(self, spec: Spec, seen: Seen) -> Diagnosis:
        """Returns the diagnosis of a spec that is not kept on a case; nothing where there was no outcome to explain."""
        if isinstance(seen.judged.reply, Raised):
            return Diagnosis(shown=raising(told(spec, seen.case, self._ask, self._target.dialect)[1]))
        if seen.judged.reply is not None or seen.judged.verdict != "fails":
            return Diagnosis()
        again, replies = told(spec, seen.case, self._ask, self._target.dialect)
        if again.signature != seen.judged.signature and not isinstance(again.reply, NotOffered):
            return self._unrepeated(spec, seen)
        if is_large(spec, seen):
            return self._of_large(spec, seen)
        exhibits = [self._exhibit(one) for one in evidence_of(replies, self._target.dialect)]
        if not exhibits and not all(case.needs <= PERFORMABLE for case, _ in replies):
            return Diagnosis(words=NOT_COMPARED)
        return replace(self._explained(spec, seen, exhibits), shown=worst_of(exhibits))

    def _of_large(self, spec: Spec, seen: Seen) -> Diagnosis:
        """Returns the diagnosis of what only a large case is at hand for: by ordinary cases, where those are wrong too,
        since every fault shows in them, and they cost far less; else by its size."""
        self._condition(spec.given)
        answers = [*self._plain(Posed(spec.given)), *filter(None, self._answers.values())]
        odd = [one for one in answers if one.odd and one.evidence.case.mode == spec.given.mode]
        if not odd:
            return by_size(seen)
        return replace(self._explained(spec, seen, odd[:MOST_LOOKED_AT]), shown=worst_of(odd))

    def _exhibit(self, one: Evidence) -> Exhibit:
        """Returns the exhibit of an equal piece of evidence, if it is among the latest ones."""
        found = self._exhibits.pop(one.content, None) or Exhibit(one)
        self._exhibits[one.content] = found
        if len(self._exhibits) > MOST_KEPT:
            del self._exhibits[next(iter(self._exhibits))]
        return found

    def _explained(self, spec: Spec, seen: Seen, exhibits: Sequence[Exhibit]) -> Diagnosis:
        """Returns what explains the failure everywhere, or under the condition that wrong cases share: one fault, or
        two together where none does alone."""
        everywhere = Posed(spec.given)
        found = self._named(spec, seen, exhibits, everywhere, self._faults)
        if found is None:
            under = self._condition(spec.given)
            if under.words:
                found = self._named(spec, seen, exhibits, Posed(spec.given, under), self._faults)
            found = found or self._named(spec, seen, exhibits, everywhere, self._pairs)
            found = found or self._unexplained(spec, seen, exhibits)
            if under.words:
                found = replace(found, only=under.words, words=f"{found.words}; wrong only where {under.words}")
        return found

    @cached_property
    def _pairs(self) -> list[Fault]:
        """The pairs of faults that explain the answers to ordinary cases."""
        plain = [one for mode in MODES for one in self._plain(Posed(Given(mode=mode)))]
        return pairs_of(self._faults, plain)

    def _named(
        self, spec: Spec, seen: Seen, exhibits: Sequence[Exhibit], posed: Posed, faults: Sequence[Fault]
    ) -> Diagnosis | None:
        standing = self._standing(spec, seen, exhibits, posed, faults)
        found = self._told_apart(standing, exhibits, posed)
        outputs = outputs_of(seen, exhibits)
        if found is None and outputs:
            alone = self._speaking(matching(faults, exhibits, outputs), exhibits, posed, outputs)
            found = self._told_apart(alone, exhibits, posed, outputs)
        return found

    def _unexplained(self, spec: Spec, seen: Seen, exhibits: Sequence[Exhibit]) -> Diagnosis:
        hint = rounding_failure(exhibits)
        admitted = matching(self._faults, exhibits, outputs_of(seen, exhibits))
        likewise = tuple(fault.name for fault in admitted if self._breaks_likewise(spec, seen, fault))
        return Diagnosis(words=f"{NOTHING}; {hint}; {self._grade}" if hint else NOTHING, likewise=likewise)

    @cached_property
    def _grade(self) -> str:
        """What the fingerprint says of the algorithm of the variance."""
        rank = rank_of(tuple(self._target.implementation.ranks))
        found = fingerprint(Subject(self._ask, self._target.dialect), self._target.dtype, rank)
        (grade,) = [one.value for one in found if one.property == GRADED]
        return f"its {GRADED} is {grade}" if grade else f"its {GRADED} is undecided"

    def _standing(
        self, spec: Spec, seen: Seen, exhibits: Sequence[Exhibit], posed: Posed, faults: Sequence[Fault]
    ) -> list[Fault]:
        """Returns the faults that the witness speaks for."""
        admitted = matching(faults, exhibits)
        if any(one.odd for one in exhibits):
            return self._speaking(admitted, exhibits, posed)
        likewise = [fault for fault in admitted if self._fails_likewise(spec, seen, fault)]
        return [fault for fault in likewise if self._breaks_likewise(spec, seen, fault)] or likewise

    def _speaking(
        self, faults: Sequence[Fault], exhibits: Sequence[Exhibit], posed: Posed, outputs: Outputs = ()
    ) -> list[Fault]:
        """Returns the faults that explain something which the right formulas do not: on the witness, or elsewhere where
        the witness is so ill-conditioned that there faults are hardly compared."""
        plain = self._plain(posed)
        return shown(faults, exhibits, outputs) or shown(matching(faults, plain, outputs), plain, outputs)

    def _told_apart(
        self, standing: Sequence[Fault], exhibits: Sequence[Exhibit], posed: Posed, outputs: Outputs = ()
    ) -> Diagnosis | None:
        """Returns the faults that are left when fresh cases have told apart what can be; None where none is left."""
        if not standing:
            return None
        if standing[0].parts:
            standing = [pair for pair in standing if is_needed(pair, [*exhibits, *self._plain(posed)], outputs)]
        # What only a relation or an odd problem shows, ordinary cases cannot confirm.
        family = self._cases.of_family(posed.given) if any(one.odd for one in exhibits) else []
        own = [self._answered(case) for case in filter(posed.under.holds, family)]
        looked_at = [*exhibits, *(one for one in own if one is not None)]
        plain = self._plain(posed)
        left = [fault for fault in standing if not any(one.refutes(fault, outputs) for one in plain)]
        given_ones = outputs or tuple({output for one in exhibits for output in one.evidence.outputs})
        # What rounds more than it may does so in ordinary cases as well, and no further than that.
        left = [fault for fault in left if fault.within is None or matching([fault], plain, given_ones)]
        left = matching(left, looked_at, outputs)
        for answer in self._differing(left, exhibits, posed):
            if further := matching(left, [answer], outputs):
                looked_at.append(answer)
                left[:] = further
        if not left:
            return None
        left = closest(left, looked_at, outputs)
        ratios = {fault.name: max((ratio(one, fault, outputs) for one in looked_at), default=0.0) for fault in left}
        return explained(ranked(ratios, left), outputs, compared=bool(looked_at))

    def _differing(self, left: list[Fault], exhibits: Sequence[Exhibit], posed: Posed) -> Iterator[Exhibit]:
        """Yields answers to cases in which the faults that are left differ, until there is one or enough was asked."""
        asked = 0
        for case in filter(posed.under.holds, self._cases.of_others(posed.given)):
            if len(left) < 2 or asked == MOST_ASKED:
                return
            if tells_apart(Exhibit(Evidence(case, {}, self._target.dialect)), left, exhibits):
                asked += 1
                answer = self._answered(case)
                if answer is not None:
                    yield answer

    def _condition(self, given: Given) -> Condition:
        """Returns the condition under which ordinary cases of the same mode are wrong."""
        if given.mode not in self._conditions:
            self._conditions[given.mode] = condition(self._target.traits, given.mode, self._is_wrong)
        return self._conditions[given.mode]

    def _is_wrong(self, case: Case) -> bool | None:
        answer = self._answered(case)
        return None if answer is None else bool(answer.odd)

    def _plain(self, posed: Posed) -> list[Exhibit]:
        """Returns answers to ordinary cases of the same mode: an implementation that is right there has no fault that
        shows there. Few drawn cases fulfil a condition, so that those stand beside them which it was read off."""
        mode = posed.given.mode
        designed = design(self._target.traits, mode) if posed.under.words else ()
        family = [*self._cases.of_family(Given(mode=mode)), *designed]
        answers = [self._answered(case) for case in filter(posed.under.holds, family)]
        return [one for one in answers if one is not None]

    def _answered(self, case: Case) -> Exhibit | None:
        if case not in self._answers:
            reply = self._ask(case)
            found = evidence(case, reply, self._target.dialect) if isinstance(reply, Outcome) else None
            self._answers[case] = None if found is None else Exhibit(found)
        return self._answers[case]

    def _unrepeated(self, spec: Spec, seen: Seen) -> Diagnosis:
        """Returns which faults keep the spec on one call and break it on another, as was seen here."""
        standing = [fault for fault in self._faults if fault.alter and self._changes_its_mind(spec, seen, fault)]
        if not standing:
            return Diagnosis(words=f"{UNREPEATED}; {NOTHING}")
        likely = explained(ranked(dict.fromkeys((fault.name for fault in standing), 0.0), standing), compared=False)
        return replace(likely, words=f"{UNREPEATED}; {likely.words}")

    def _changes_its_mind(self, spec: Spec, seen: Seen, fault: Fault) -> bool:
        wrong = self._wrong(fault)
        found = [spec.judge(Subject(wrong, self._target.dialect), seen.case).signature for _ in range(2)]
        return found[0] != found[1] and seen.judged.signature in found

    def _fails_likewise(self, spec: Spec, seen: Seen, fault: Fault) -> bool:
        subject = Subject(self._wrong(fault), self._target.dialect)
        return spec.judge(subject, seen.case).signature == seen.judged.signature

    def _breaks_likewise(self, spec: Spec, seen: Seen, fault: Fault) -> bool:
        """Returns whether a fault breaks the statement on the case in the same quantity, whatever its values there."""
        judged = spec.judge(Subject(self._wrong(fault), self._target.dialect), seen.case)
        one, other = judged.worst, seen.judged.worst
        alike = one is not None and other is not None and one.quantity == other.quantity
        return alike and judged.signature == seen.judged.signature

    def _wrong(self, fault: Fault) -> Ask:
        """Returns a new implementation with that fault."""
        wrong, asked = in_dialect(fault, self._target.dialect), set[int]()
        return lambda case: performed(wrong, case, asked)
