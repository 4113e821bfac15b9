"""Numbers with a bound of their own rounding error, so that a wrong formula is judged by its own loss of digits.

Rules: running error analysis (Wilkinson): each operation adds its own rounding to the errors of its operands; a sum is
charged for the worst order, a difference for both of its terms, to admit folded and reassociated forms; nothing is
taken to first order only, so an error that may be anything is infinite.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from bnconform.oracle.bounds.error_terms import ROOT_ULPS
from bnconform.oracle.bounds.rounding import Rounding, error_of_sum, moments
from bnconform.oracle.reference.reductions import Array


class Uncertain:
    """A float64 array of values and one of bounds: an implementation's numbers lie that near to each value."""

    __slots__ = ("error", "rounding", "value")
    __array_ufunc__ = None  # array * Uncertain is ours to compute, not NumPy's

    def __init__(self, value: Array, error: Any, rounding: Rounding) -> None:
        self.value, self.error, self.rounding = value, error, rounding

    def __add__(self, other: Any) -> Uncertain:
        b, e = self._operand(other)
        return self._made(self.value + b, self.error + e + self.rounding.u_e * (np.abs(self.value) + np.abs(b)))

    __radd__ = __add__

    def __sub__(self, other: Any) -> Uncertain:
        b, e = self._operand(other)
        return self._made(self.value - b, self.error + e + self.rounding.u_e * (np.abs(self.value) + np.abs(b)))

    def __rsub__(self, other: Any) -> Uncertain:
        b, e = self._operand(other)
        return self._made(b - self.value, self.error + e + self.rounding.u_e * (np.abs(self.value) + np.abs(b)))

    def __mul__(self, other: Any) -> Uncertain:
        b, e = self._operand(other)
        value = self.value * b
        return self._made(value, np.abs(self.value) * e + self.error * (np.abs(b) + e) + self._rounded(value))

    __rmul__ = __mul__

    def __truediv__(self, other: Any) -> Uncertain:
        b, e = self._operand(other)
        value = self.value / b
        left = np.abs(b) - e  # what is left of the divisor
        error = np.where(left > 0, (self.error + np.abs(value) * e) / left, np.inf)
        return self._made(value, error + self._rounded(value))

    def __rtruediv__(self, other: Any) -> Uncertain:
        b, e = self._operand(other)
        return Uncertain(np.asarray(b, np.float64), e, self.rounding) / self

    def root(self) -> Uncertain:
        """Returns the square root: √a - √(a - e) = e/(√a + √(a - e)), at most √e; and the ulps of a fast root."""
        value, most = np.sqrt(self.value), np.sqrt(self.error)
        error = self.error / (value + np.sqrt(np.maximum(self.value - self.error, 0.0)))
        ulps = ROOT_ULPS * self.rounding.u_e
        return self._made(value, np.where(error < most, error, most) + ulps * np.abs(value))

    def total(self) -> Uncertain:
        """Returns the sums of the columns."""
        own = error_of_sum(self.rounding, moments(self.value))
        carried = np.add.reduce(np.broadcast_to(self.error, self.value.shape), axis=0)
        return self._made(np.add.reduce(self.value, axis=0), carried + own)

    def stored(self) -> Uncertain:
        """Returns the number as it is stored between passes, rounded once more where that is in a narrower type."""
        if not self.rounding.u_s:
            return self
        return self._made(self.value, self.error + self.rounding.stored(self.value))

    def _made(self, value: Array, error: Any) -> Uncertain:
        return Uncertain(value, error, self.rounding)

    def _operand(self, other: Any) -> tuple[Any, Any]:
        """Returns the value of an operand and its error: an array is exact, a setting is rounded to the type."""
        if isinstance(other, Uncertain):
            return other.value, other.error
        return other, 0.0 if isinstance(other, np.ndarray) else self.rounding.u_e * abs(other)

    def _rounded(self, value: Array) -> Array:
        return self.rounding.u_e * np.abs(value) + self.rounding.t0


class Uncertainty:
    """The kind of number: a Calculation in it bounds the error of each quantity in the arithmetic of `rounding`."""

    def __init__(self, rounding: Rounding) -> None:
        self.rounding = rounding

    def lift(self, array: np.ndarray) -> Uncertain:
        """Returns an array of the Case as exact; a setting (an array of no dimensions) is rounded to the type."""
        value = np.asarray(array, np.float64)
        error = 0.0 if value.ndim else self.rounding.u_e * np.abs(value)
        return Uncertain(value, error, self.rounding)

    def total(self, t: Any) -> Uncertain:
        """Returns the sums of the columns."""
        return self._lifted(t).total()

    def sqrt(self, t: Any) -> Uncertain:
        """Returns the square roots."""
        return self._lifted(t).root()

    def choose(self, where: np.ndarray, yes: Any, no: Any) -> Uncertain:
        """Returns `yes` where the condition holds, otherwise `no`."""
        yes, no = self._lifted(yes), self._lifted(no)
        error = np.where(where, yes.error, no.error)
        return Uncertain(np.where(where, yes.value, no.value), error, self.rounding)

    def kept(self, t: Any) -> Any:
        """Returns a quantity as it is kept for others to use."""
        return t.stored() if isinstance(t, Uncertain) else t

    def plain(self, t: Any) -> np.ndarray:
        """Returns the values alone."""
        return t.value if isinstance(t, Uncertain) else np.asarray(t, np.float64)

    def _lifted(self, t: Any) -> Uncertain:
        return t if isinstance(t, Uncertain) else self.lift(np.asarray(t, np.float64))
