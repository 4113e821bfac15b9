"""An Equation states an output of one run: its check, its LaTeX and its text follow from one expression.

Rules: what is compared with is what the expression says: the reference's values where it computes the same expression,
otherwise the expression as it is written; the bound is that of the output; an output that is not offered compares
nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from bnconform.contract.axes import along
from bnconform.contract.case import Case
from bnconform.contract.dialect import Dialect
from bnconform.contract.outcome import ELEMENTWISE, OUTPUTS, Outcome
from bnconform.engine.agreement import Agreement, agree, not_offered, unless_declared
from bnconform.engine.weakness import unless_weak
from bnconform.oracle.notation.expression import Expression, Least, Operand, expression
from bnconform.oracle.notation.formulas import Formula, channel_values, formula_of
from bnconform.oracle.notation.printing import latex, names_in_print, text
from bnconform.oracle.notation.symbols import OUTPUT_LATEX, Mode, Symbols

DEFINED = {
    "g": r"g = \frac{\partial\ell}{\partial y}",
    "P": r"P(t) = t - \mathrm{mean}(t) - \hat{x}\,\mathrm{mean}(t\,\hat{x})",
}
"""What is defined beside an equation that shows it; r, which the mode decides, as well."""


class Output:
    """An output on the left of an equation; `==` states what it is equal to."""

    def __init__(self, name: str, mode: Mode) -> None:
        self._name, self._mode = name, mode

    def __eq__(self, right: Operand) -> Equation:  # type: ignore[override]  # it states, and compares nothing yet
        return Equation(output=self._name, mode=self._mode, right=expression(right))

    __hash__ = None  # type: ignore[assignment]  # nothing is to look one up


class Outputs:
    """The implementation in an equation: its outputs as attributes, by the names of an Outcome."""

    def __init__(self, mode: Mode) -> None:
        self._mode = mode

    def __getattr__(self, name: str) -> Output:
        if name not in OUTPUTS:
            raise AttributeError(f"{name!r} is no output; expected one of {', '.join(OUTPUTS)}")
        return Output(name, self._mode)


@dataclass(frozen=True)
class Equation:
    """An output and the expression that it is equal to.

    quantity: what a finding calls it; empty: the output itself. conditions: where it is claimed, channel by channel;
    empty: everywhere. declared: the Dialect field by which an implementation may declare another equation instead, and
    that equation. departs: whether one that declares the other departs from this statement; otherwise the other is the
    statement for it.
    """

    output: str
    mode: Mode
    right: Expression
    quantity: str = ""
    conditions: tuple[Least, ...] = ()
    declared: tuple[str, Equation] | None = None
    departs: bool = True

    def where(self, *conditions: Least) -> Equation:
        """Returns the equation claimed only in channels where the conditions hold."""
        return replace(self, conditions=conditions)

    def called(self, quantity: str) -> Equation:
        """Returns the equation under another name for what it compares."""
        return replace(self, quantity=quantity)

    def unless_declared(self, field: str, other: Equation) -> Equation:
        """Returns the equation; an implementation that declares the other by that field departs from it."""
        return replace(self, declared=(field, other))

    def or_declared(self, field: str, other: Equation) -> Equation:
        """Returns the equation, for which the other stands where an implementation declares it by that field."""
        return replace(self, declared=(field, other), departs=False)

    @property
    def latex(self) -> str:
        """The equation as LaTeX, with the conditions under which it is claimed."""
        held = r",\; ".join(latex(one) for one in self.conditions)
        where = rf" \quad\text{{where}}\; {held}" if held else ""
        return f"{OUTPUT_LATEX[self.output]} = {latex(self.right)}{where}"

    @property
    def text(self) -> str:
        """The equation as a line of plain text."""
        held = " and ".join(text(one) for one in self.conditions)
        return f"{self.output} = {text(self.right)}" + (f" where {held}" if held else "")

    @cached_property
    def formula(self) -> Formula:
        """The expression's values and their bound."""
        return formula_of(self.output, self.mode, self.right)

    def compared(self, found: Outcome, case: Case, dialect: Dialect) -> Agreement:
        """Compares what an implementation returned for a case with what the equation says."""
        if self.declared is None or getattr(dialect, self.declared[0]) == getattr(Dialect(), self.declared[0]):
            return self._compared(found, case, dialect)
        field, other = self.declared
        alternative = other.called(self.quantity)._compared(found, case, dialect)
        if not self.departs or alternative.missing is not None:
            return alternative
        return unless_declared(self._compared(found, case, dialect), field, alternative)

    def _compared(self, found: Outcome, case: Case, dialect: Dialect) -> Agreement:
        actual = getattr(found, self.output)
        if actual is None:  # a case that does not ask for it may not hold what the expression needs
            return not_offered(self.quantity or self.output)
        value, where = self.formula.value(case), self._governed(case)

        def compare(declared: Dialect) -> Agreement:
            return agree(
                actual,
                value,
                within=self.formula.bound(case, declared),
                output="" if self.quantity else self.output,
                quantity=self.quantity,
                involves=(self.output,) if self.quantity else (),
                where=where,
            )

        return unless_weak(compare, dialect)

    def _governed(self, case: Case) -> np.ndarray | None:
        """Returns where the conditions hold, in the output's shape or broadcast to it; None: everywhere."""
        if not self.conditions:
            return None
        sides = [[channel_values(self.mode, side, case) for side in (one.left, one.right)] for one in self.conditions]
        held = [left >= right for left, right in sides]
        channels = np.logical_and.reduce(np.broadcast_arrays(np.ones(case.channels, bool), *held))
        return along(channels, case.x.ndim, case.axis) if self.output in ELEMENTWISE else channels


def latex_of(equations: Sequence[Equation], said: str = "") -> str:
    """Returns equations as LaTeX, with the definition of what they use and with what is said of the cases."""
    stated = r", \qquad ".join(one.latex for one in equations)
    shown = set[str]().union(*(names_in_print(one.right) for one in equations))
    defined = [rf"r = {latex(Symbols(equations[0].mode).r.definition)}"] * ("r" in shown)
    defined += [definition for name, definition in DEFINED.items() if name in shown]
    return r", \qquad ".join([stated, *defined, *[said] * bool(said)])


def text_of(equations: Sequence[Equation]) -> str:
    """Returns equations as a line of plain text."""
    return "; ".join(one.text for one in equations)
