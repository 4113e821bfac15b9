"""A Calculation is batch normalization of one Case, quantity by quantity; a Fault may replace the formula of each.

Rules: a formula takes the Calculation and names the quantities it needs; each is computed when first asked for;
formulas are plain arithmetic on matrices of shape (m, C) and vectors of shape (C,), the same for every kind of number;
only the Numbers know how a sum or a root is taken.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Protocol, TypeAlias

import numpy as np

from bnconform.contract.axes import to_rows
from bnconform.contract.case import Case
from bnconform.contract.dtypes import dtype_named
from bnconform.oracle.reference.doubledouble import DoubleDouble, as_doubledouble

Number: TypeAlias = Any
"""An array, or a DoubleDouble."""


class Numbers(Protocol):
    """A kind of number: the conversion of a Case's arrays to such numbers, and operations without an operator."""

    def lift(self, array: np.ndarray) -> Number:
        """Returns `array` as numbers of this kind."""
        ...

    def total(self, t: Number) -> Number:
        """Returns the sums of the columns."""
        ...

    def sqrt(self, t: Number) -> Number:
        """Returns the square roots."""
        ...

    def choose(self, where: np.ndarray, yes: Number, no: Number) -> Number:
        """Returns `yes` where the condition holds, otherwise `no`."""
        ...

    def kept(self, t: Number) -> Number:
        """Returns a quantity as it is kept for others to use."""
        ...

    def plain(self, t: Number) -> np.ndarray:
        """Returns the values as an array of NumPy's."""
        ...


class Floats:
    """Arrays of one NumPy dtype; sums run down the rows."""

    def __init__(self, dtype: str) -> None:
        self.dtype = dtype_named(dtype)

    def lift(self, array: np.ndarray) -> np.ndarray:
        """Returns `array` in this dtype."""
        return np.asarray(array, self.dtype)

    def total(self, t: np.ndarray) -> np.ndarray:
        """Returns the sums of the columns, added in this dtype."""
        return np.asarray(np.add.reduce(self.kept(t), axis=0, dtype=self.dtype))

    def sqrt(self, t: np.ndarray) -> np.ndarray:
        """Returns the square roots."""
        return np.asarray(np.sqrt(t))

    def choose(self, where: np.ndarray, yes: Any, no: Any) -> np.ndarray:
        """Returns `yes` where the condition holds, otherwise `no`."""
        return np.asarray(np.where(where, yes, no), self.dtype)

    def kept(self, t: Any) -> Any:
        """Returns a quantity in this dtype: bfloat16 with a setting gives float32, by the rules of its package."""
        return t if not isinstance(t, np.ndarray) or t.dtype == self.dtype else t.astype(self.dtype)

    def plain(self, t: np.ndarray) -> np.ndarray:
        """Returns the array itself."""
        return t


class Doubled:
    """DoubleDoubles, for values needed beyond float64."""

    def lift(self, array: np.ndarray) -> DoubleDouble:
        """Returns `array` as DoubleDoubles."""
        return DoubleDouble(array)

    def total(self, t: Any) -> DoubleDouble:
        """Returns the sums of the columns."""
        return as_doubledouble(t).total()

    def sqrt(self, t: Any) -> DoubleDouble:
        """Returns the square roots."""
        return as_doubledouble(t).sqrt()

    def choose(self, where: np.ndarray, yes: Any, no: Any) -> DoubleDouble:
        """Returns `yes` where the condition holds, otherwise `no`."""
        yes, no = as_doubledouble(yes), as_doubledouble(no)
        return DoubleDouble(np.where(where, yes.high, no.high), np.where(where, yes.low, no.low))

    def kept(self, t: Any) -> Any:
        """Returns the quantity itself."""
        return t

    def plain(self, t: Any) -> np.ndarray:
        """Returns the values, rounded to float64."""
        return as_doubledouble(t).high


Formula = Callable[["Calculation"], Number]


class CircularFormulas(ValueError):
    """A quantity that needs itself, as the formulas of two faults together may make it."""


class Calculation:
    """Every quantity of one call by the formula of its name.

    between: the Case of another call of the layer, behind this one and before its backward pass. previous: the
    calculation of the call before, whose averages this one begins with. last: that of the last call. training: whether
    it normalizes by the batch; untracked: whether that is in inference, as there are no averages.
    x, g (m, C); gamma, beta, rm, rv (C,); m, examples, eps, omega: the Case's own. w, p, q and dot_x, dot_gamma,
    dot_beta: its second cotangents and its tangents. Anything else is by `formulas`. An attribute is None where
    the Case has none.
    """

    def __init__(
        self,
        case: Case,
        formulas: Mapping[str, Formula],
        numbers: Numbers,
        *,
        between: Case | None = None,
        previous: Calculation | None = None,
    ) -> None:
        self.case = case
        self.numbers = numbers
        self.untracked = case.mode == "infer" and case.running_mean is None and case.running_var is None
        self.training = case.mode == "train" or self.untracked
        self.m = case.rows
        self.examples = case.x.shape[0]
        self.channels = case.channels
        self.eps, self.omega = float(case.eps), float(case.momentum)
        self._formulas = formulas
        self._known: dict[str, Number] = {}
        self._pending: set[str] = set()
        self.previous = previous
        self.last = self if between is None else Calculation(between, formulas, numbers, previous=self)

    def __getattr__(self, name: str) -> Number:
        if name.startswith("__") or name not in self._formulas:
            raise AttributeError(f"no formula for {name!r}; expected one of {sorted(self._formulas)}")
        if name not in self._known:
            if name in self._pending:
                raise CircularFormulas(f"{name} needs itself; expected formulas that come to an end")
            self._pending.add(name)
            self._known[name] = self.numbers.kept(self._formulas[name](self))
        return self._known[name]

    def rows(self, array: np.ndarray | None) -> Number:
        """Returns a tensor of x's shape as a matrix of shape (m, C)."""
        return None if array is None else self.numbers.lift(to_rows(array, self.case.axis))

    def vector(self, array: np.ndarray | None, absent: float | None = None) -> Number:
        """Returns a per-channel array; where the Case has none, `absent` in every channel."""
        if array is None:
            return None if absent is None else self.numbers.lift(np.full(self.channels, absent))
        return self.numbers.lift(array)

    def number(self, value: float) -> Number:
        """Returns a setting as a number of this kind, so that 1 - ω is not rounded where numbers are not."""
        return self.numbers.lift(np.asarray(value))

    def total(self, t: Number) -> Number:
        """Returns Σt of each channel."""
        return self.numbers.total(t)

    def average(self, t: Number) -> Number:
        """Returns Σt/m of each channel."""
        return self.numbers.total(t) / float(self.m)

    def sqrt(self, t: Number) -> Number:
        """Returns √t."""
        return self.numbers.sqrt(t)

    def plain(self, t: Number) -> np.ndarray:
        """Returns the values of t as an array."""
        return self.numbers.plain(t)

    def largest(self, a: Number, b: float) -> Number:
        """Returns the greater of a and b."""
        return self.numbers.choose(self.plain(a) >= b, a, b)
