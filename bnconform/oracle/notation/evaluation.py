"""The values of an expression for a Case, in an arithmetic of one's choice.

Rules: what is the same expression is computed once; matrices are of shape (m, C), one column per channel; nothing is
moved to avoid overflow: where that matters, the reference has a careful way, and `formulas` says for which expressions.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Protocol

import numpy as np

from bnconform.contract.axes import to_rows
from bnconform.contract.case import Case
from bnconform.oracle.notation.expression import (
    Add,
    Applied,
    Derived,
    Divide,
    Expression,
    Mean,
    Multiply,
    Negative,
    Number,
    Power,
    Root,
    Subtract,
    Symbol,
    Total,
)
from bnconform.oracle.reference.doubledouble import DoubleDouble, as_doubledouble


class Arithmetic(Protocol):
    """A kind of number, and what an operator cannot say."""

    def lift(self, values: np.ndarray) -> Any:
        """Returns float64 values as numbers of this kind, exactly."""
        ...

    def total(self, rows: Any) -> Any:
        """Returns the sums over axis 0."""
        ...

    def sqrt(self, values: Any) -> Any:
        """Returns the square roots."""
        ...

    def rounded(self, values: Any) -> np.ndarray:
        """Returns the nearest float64 values."""
        ...


class DoubleDoubles:
    """Double-double arithmetic, of about 106 bits."""

    def lift(self, values: np.ndarray) -> DoubleDouble:
        """Returns float64 values as DoubleDoubles."""
        return DoubleDouble(values)

    def total(self, rows: Any) -> DoubleDouble:
        """Returns the sums over axis 0."""
        return as_doubledouble(rows).total()

    def sqrt(self, values: Any) -> DoubleDouble:
        """Returns the square roots."""
        return as_doubledouble(values).sqrt()

    def rounded(self, values: Any) -> np.ndarray:
        """Returns the nearest float64 values."""
        return as_doubledouble(values).high


class Evaluation:
    """The values of expressions for one Case."""

    def __init__(self, case: Case, arithmetic: Arithmetic) -> None:
        self.case, self._arithmetic = case, arithmetic
        self._values: dict[Expression, Any] = {}

    def of(self, value: Expression) -> Any:
        """Returns the values of an expression: of shape (m, C), (C,) or ()."""
        if value not in self._values:
            self._values[value] = self._computed(value)
        return self._values[value]

    def rounded(self, value: Expression) -> np.ndarray:
        """Returns the values of an expression as float64."""
        with np.errstate(all="ignore"):
            return self._arithmetic.rounded(self.of(value))

    def _computed(self, value: Expression) -> Any:
        match value:
            case Number(number):
                return self._arithmetic.lift(np.array(float(number)))
            case Symbol(name):
                return self._arithmetic.lift(values_of(self.case, name))
            case Derived(definition=definition) | Applied(definition=definition):
                return self.of(definition)
            case Add(left, right):
                return self.of(left) + self.of(right)
            case Subtract(left, right):
                return self.of(left) - self.of(right)
            case Multiply(left, right):
                return self.of(left) * self.of(right)
            case Divide(left, right):
                return self.of(left) / self.of(right)
            case Negative(of):
                return -self.of(of)
            case Root(of):
                return self._arithmetic.sqrt(self.of(of))
            case Power(base, exponent):
                return self._power(self.of(base), exponent)
            case Total(of):
                return self._total(of)
            case Mean(of):
                return self._total(of) / self._arithmetic.lift(np.array(float(self.case.rows)))
        raise TypeError(f"{value!r} has no values; expected an expression of the notation")

    def _power(self, base: Any, exponent: int) -> Any:
        product = base
        for _ in range(abs(exponent) - 1):
            product = product * base
        return product if exponent > 0 else self._arithmetic.lift(np.array(1.0)) / product

    def _total(self, of: Expression) -> Any:
        """Returns the sum over a channel's values, of what is one value per channel m times that."""
        one = self._arithmetic.lift(np.ones((self.case.rows, self.case.channels)))
        return self._arithmetic.total(self.of(of) * one)


_ROWS = {"x": "x", "W": "x", "g": "dy", "w": "bar_dx", "z": "bar_grad_x", "dot_x": "dot_x"}
_CHANNELS: Mapping[str, tuple[str, float | None]] = {
    "γ": ("gamma", 1.0),
    "β": ("beta", 0.0),
    "E": ("running_mean", None),
    "Var": ("running_var", None),
    "p": ("bar_dgamma", 0.0),
    "q": ("bar_dbeta", 0.0),
    "dot_γ": ("dot_gamma", 0.0),
    "dot_β": ("dot_beta", 0.0),
    "b": ("bias", 0.0),
    "dμ": ("dmean", 0.0),
    "dv": ("dvar", 0.0),
}
"""The field of a Case for each symbol, and what stands for it where it is absent."""
_NUMBERS: Mapping[str, Callable[[Case], float]] = {
    "ε": lambda case: float(case.eps),
    "ω": lambda case: float(case.momentum),
    "m": lambda case: float(case.rows),
}


def values_of(case: Case, name: str) -> np.ndarray:
    """Returns the float64 values of a symbol, of shape (m, C), (C,) or (); ValueError where the Case has none."""
    if name in _NUMBERS:
        return np.array(_NUMBERS[name](case))
    field, absent = (_ROWS[name], None) if name in _ROWS else _CHANNELS[name]
    array = getattr(case, field)
    if array is None:
        if absent is None:
            raise ValueError(f"Case.{field} is None; an equation that is asked of the case has {name} in it")
        return np.full(case.channels, absent)
    return (to_rows(array, case.axis) if name in _ROWS else array).astype(np.float64)
