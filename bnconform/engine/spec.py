"""A Spec is one documented statement: its equation, its source, the cases it is tried on and an executable property.

Rules: the id is the name of the function, a verb phrase; the sentence is the first line of its docstring; a spec calls
`bn` with cases and returns Agreements; it never looks at which implementation it judges.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Literal
from weakref import WeakKeyDictionary

import numpy as np

from bnconform.cases.strategies import Given
from bnconform.contract.case import Case
from bnconform.contract.dialect import Dialect
from bnconform.contract.outcome import Outcome
from bnconform.contract.reply import Reply
from bnconform.engine.agreement import Agreement, Judgement, Reason, agree, judgement, not_asked, not_offered
from bnconform.engine.docstring import sentence
from bnconform.engine.equation import Equation, Outputs, latex_of, text_of
from bnconform.engine.weakness import unless_weak
from bnconform.oracle.expected import expected
from bnconform.oracle.notation.symbols import Symbols


class NoOutcomeError(Exception):
    """Ends a spec's property when the implementation gave something else than an Outcome."""

    def __init__(self, reply: Reason) -> None:
        super().__init__(f"no outcome: {reply}")
        self.reply = reply


class NotOfferedError(Exception):
    """Ends a spec's property when the implementation does not return the output that it is about."""

    def __init__(self, name: str) -> None:
        super().__init__(f"{name} is not offered")
        self.name = name


class Subject:
    """One implementation as a spec sees it: a callable that takes a Case, returns its Outcome, and runs it only once.

    `dialect` is the one that it declares for the dtype under test.
    """

    def __init__(self, run: Callable[[Case], Reply], dialect: Dialect) -> None:
        self.dialect = dialect
        self._run = run
        self._replies: WeakKeyDictionary[Case, Reply] = WeakKeyDictionary()

    def reply(self, case: Case) -> Reply:
        """Returns the implementation's answer to `case`, from the first time it was asked."""
        known = self._replies.get(case)
        if known is None:
            known = self._replies[case] = self._run(case)
        return known

    def __call__(self, case: Case) -> Outcome:
        """Returns the Outcome of `case`; raises NoOutcomeError where there is none."""
        reply = self.reply(case)
        if not isinstance(reply, Outcome):
            raise NoOutcomeError(reply)
        return reply

    def output(self, case: Case, name: str) -> np.ndarray:
        """Returns an output of `case`; ends the property where it is not offered.

        A property of several comparisons asks the Outcome instead, since a missing output must not hide the others.
        """
        array: np.ndarray | None = getattr(self(case), name)
        if array is None:
            raise NotOfferedError(name)
        return array

    def agrees(self, case: Case, name: str, *, quantity: str = "", where: np.ndarray | None = None) -> Agreement:
        """Compares an output of `case` with what it should be by the Dialect, within its bound."""
        actual: np.ndarray | None = getattr(self(case), name)
        if actual is None:
            return not_offered(quantity or name)
        found: np.ndarray = actual

        def compare(dialect: Dialect) -> Agreement:
            value, within = expected(case, dialect, name)
            return agree(found, value, within=within, output=name, quantity=quantity, where=where)

        return unless_weak(compare, self.dialect)


Basis = Literal["stated", "prudence"]
"""What a statement rests on: a document, a paper or the implementation's own documentation states it; or nobody does,
and prudence asks for what loses least."""
Stated = Callable[[Outputs, Symbols], "Equation | Sequence[Equation]"]
Property = Callable[[Subject, Case], Agreement | Iterable[Agreement]]


def as_drawn(case: Case) -> Case:
    """Returns the case itself."""
    return case


@dataclass(frozen=True, kw_only=True)
class Spec:
    """One documented statement about batch normalization, executable.

    basis: whether a document states it, or prudence alone asks for it.
    equations: those of one run that it states, of the case that `asked` makes of a drawn one; empty for any other.
    """

    id: str
    chapter: str
    sentence: str
    latex: str
    source: str
    given: Given
    check: Property
    equations: tuple[Equation, ...] = ()
    asked: Callable[[Case], Case] = as_drawn
    basis: Basis = "stated"

    @property
    def formula(self) -> str:
        """The equations of one run as a line of plain text; empty for a statement that is none."""
        return text_of(self.equations)

    def judge(self, bn: Subject, case: Case) -> Judgement:
        """Returns the judgement of this spec on one case."""
        if not self.given.condition.admits(case):
            return judgement(not_asked(self.given.condition.why, quantity=self.id))
        try:
            return judgement(self.check(bn, case))
        except NoOutcomeError as absent:
            return Judgement(reply=absent.reply)
        except NotOfferedError as absent:
            return judgement(not_offered(absent.name))


def spec(latex: str, *, source: str, given: Given, basis: Basis = "stated") -> Callable[[Property], Spec]:
    """Turns a property `def verb_phrase(bn, case)` with a one-sentence docstring into a Spec.

    latex: the equation. source: name of the document and its sentence, or paper and section. given: the cases.
    basis: "prudence" where nobody states it, and what loses least is asked.
    """

    def decorate(check: Property) -> Spec:
        return replace(_spec(check, check, latex, source, given), basis=basis)

    return decorate


def equation(
    *, source: str, given: Given, asked: Callable[[Case], Case] = as_drawn, said: str = ""
) -> Callable[[Stated], Spec]:
    """Turns equations of one run, `def verb_phrase(bn, c): return bn.y == c.γ * c.h + c.β`, into a Spec.

    The function is called once, with the outputs and the symbols of the mode; what it returns, an Equation or several,
    gives the check, the LaTeX and the text. source, given: as of `spec`. asked: returns the case that is asked in place
    of a drawn one. said: how that case differs, as LaTeX.
    """

    def decorate(stated: Stated) -> Spec:
        found = stated(Outputs(given.mode), Symbols(given.mode))
        equations = (found,) if isinstance(found, Equation) else tuple(found)

        def check(bn: Subject, case: Case) -> list[Agreement]:
            posed = asked(case)
            outcome = bn(posed)
            found = [one.compared(outcome, posed, bn.dialect) for one in equations]
            return found if asked is as_drawn else [replace(one, direct=False) for one in found]

        return replace(_spec(stated, check, latex_of(equations, said), source, given), equations=equations, asked=asked)

    return decorate


def _spec(written: Callable[..., object], check: Property, latex: str, source: str, given: Given) -> Spec:
    """Returns the Spec of a function as it is written in a chapter."""
    name, chapter = getattr(written, "__name__", ""), written.__module__.rpartition(".")[2]
    said = sentence(written)
    for what, value in (("docstring", said), ("equation", latex), ("source", source)):
        if not value:
            raise TypeError(f"spec {name} has no {what}; expected one that states what it checks")
    return Spec(id=name, chapter=chapter, sentence=said, latex=latex, source=source, given=given, check=check)
