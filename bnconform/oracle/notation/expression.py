"""Expressions: formulas of batch normalization as values that can be evaluated, printed, compared and mutated.

Rules: an expression is frozen and knows nothing of cases or arrays; operators build it as it is written, so that it is
printed as it is written; two expressions are equal where they are written alike, and mean the same where their
canonical forms are equal.
"""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import Literal

Shape = Literal["rows", "channel", "number"]
"""What a symbol stands for: a matrix of shape (m, C), a vector of shape (C,), or one number."""


class Expression:
    """A formula. The operators +, -, *, /, ** and the functions below build one."""

    def __add__(self, other: Operand) -> Expression:
        return Add(self, expression(other))

    def __radd__(self, other: Operand) -> Expression:
        return Add(expression(other), self)

    def __sub__(self, other: Operand) -> Expression:
        return Subtract(self, expression(other))

    def __rsub__(self, other: Operand) -> Expression:
        return Subtract(expression(other), self)

    def __mul__(self, other: Operand) -> Expression:
        return Multiply(self, expression(other))

    def __rmul__(self, other: Operand) -> Expression:
        return Multiply(expression(other), self)

    def __truediv__(self, other: Operand) -> Expression:
        return Divide(self, expression(other))

    def __rtruediv__(self, other: Operand) -> Expression:
        return Divide(expression(other), self)

    def __pow__(self, exponent: int) -> Expression:
        return Power(self, exponent)

    def __neg__(self) -> Expression:
        return Negative(self)

    @property
    def parts(self) -> dict[str, Expression]:
        """The expressions that this one is made of, by field."""
        values = {field.name: getattr(self, field.name) for field in fields(self)}  # type: ignore[arg-type]  # each is a dataclass
        return {name: value for name, value in values.items() if isinstance(value, Expression)}

    def with_part(self, name: str, part: Expression) -> Expression:
        """Returns the same expression with another part."""
        changed: Expression = replace(self, **{name: part})  # type: ignore[type-var]  # each is a dataclass
        return changed


Operand = Expression | int | float


def expression(value: Operand) -> Expression:
    """Returns an expression as it is, and a number as one."""
    return value if isinstance(value, Expression) else Number(value)


@dataclass(frozen=True)
class Number(Expression):
    """A constant."""

    value: float


@dataclass(frozen=True)
class Symbol(Expression):
    """A quantity that a Case gives: `name` in code, `latex` in print."""

    name: str
    latex: str
    shape: Shape


@dataclass(frozen=True)
class Derived(Expression):
    """A quantity with a definition of its own, printed by its symbol."""

    name: str
    latex: str
    definition: Expression


@dataclass(frozen=True)
class Applied(Expression):
    """A named function of an expression, printed as such: `definition` is what it stands for with that argument."""

    name: str
    argument: Expression
    definition: Expression


@dataclass(frozen=True)
class Add(Expression):
    """left + right."""

    left: Expression
    right: Expression


@dataclass(frozen=True)
class Subtract(Expression):
    """left - right."""

    left: Expression
    right: Expression


@dataclass(frozen=True)
class Multiply(Expression):
    """left · right."""

    left: Expression
    right: Expression


@dataclass(frozen=True)
class Divide(Expression):
    """left / right."""

    left: Expression
    right: Expression


@dataclass(frozen=True)
class Negative(Expression):
    """-of."""

    of: Expression


@dataclass(frozen=True)
class Power(Expression):
    """base to a whole exponent."""

    base: Expression
    exponent: int


@dataclass(frozen=True)
class Root(Expression):
    """√of."""

    of: Expression


@dataclass(frozen=True)
class Total(Expression):
    """The sum over a channel's values."""

    of: Expression


@dataclass(frozen=True)
class Mean(Expression):
    """The mean over a channel's values."""

    of: Expression


@dataclass(frozen=True)
class Least(Expression):
    """Where left ≥ right, channel by channel: a condition, not a number."""

    left: Expression
    right: Expression


def sqrt(of: Operand) -> Expression:
    """Returns √of."""
    return Root(expression(of))


def total(of: Operand) -> Expression:
    """Returns Σ of over the values of each channel."""
    return Total(expression(of))


def mean(of: Operand) -> Expression:
    """Returns the mean of `of` over the values of each channel."""
    return Mean(expression(of))


def at_least(left: Operand, right: Operand) -> Least:
    """Returns the condition left ≥ right."""
    return Least(expression(left), expression(right))


def symbols_in(value: Expression) -> set[Symbol]:
    """Returns the symbols that a Case gives, in the definitions of derived ones as well."""
    if isinstance(value, Symbol):
        return {value}
    return set().union(*(symbols_in(part) for part in _meaning(value)), set())


def _meaning(value: Expression) -> list[Expression]:
    if isinstance(value, Derived | Applied):
        return [value.definition]
    return list(value.parts.values())
