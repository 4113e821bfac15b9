"""Double-double arithmetic: unevaluated sums of two float64 arrays, about 106 significant bits.

Rules: error-free transformations only (Knuth's TwoSum, Dekker's product), no fused multiply-add and no long double, so
that every platform computes the same bits; magnitudes stay below 2^996, where the splitting would overflow, and
`scaled` moves by exact powers of two.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from bnconform.oracle.reference.reductions import Array

SPLITTER = 2.0**27 + 1.0


def two_sum(a: Array, b: Array) -> tuple[Array, Array]:
    """Returns (s, e) with s = fl(a + b) and s + e = a + b exactly."""
    s = a + b
    t = s - a
    return s, (a - (s - t)) + (b - t)


def quick_two_sum(a: Array, b: Array) -> tuple[Array, Array]:
    """Returns the same as two_sum, where |a| ≥ |b| or a = 0."""
    s = a + b
    return s, b - (s - a)


def split(a: Array) -> tuple[Array, Array]:
    """Returns (high, low) with high + low = a exactly and at most 26 significant bits each."""
    c = SPLITTER * a
    high = c - (c - a)
    return high, a - high


def two_product(a: Array, b: Array) -> tuple[Array, Array]:
    """Returns (p, e) with p = fl(a b) and p + e = a b exactly, unless e underflows."""
    p = a * b
    a_high, a_low = split(a)
    b_high, b_low = split(b)
    return p, ((a_high * b_high - p) + a_high * b_low + a_low * b_high) + a_low * b_low


class DoubleDouble:
    """An array of numbers high + low, where |low| is at most half an ulp of high; `high` is the value as a float64.

    The operators take DoubleDoubles, float64 arrays and floats, and broadcast like NumPy's.
    """

    __slots__ = ("high", "low")
    __array_ufunc__ = None  # array * DoubleDouble is ours to compute, not NumPy's

    def __init__(self, high: Any, low: Any = 0.0) -> None:
        self.high = np.asarray(high, np.float64)
        self.low = np.asarray(low, np.float64)

    def __neg__(self) -> DoubleDouble:
        return DoubleDouble(-self.high, -self.low)

    def __add__(self, other: Any) -> DoubleDouble:
        other = as_doubledouble(other)
        s, e = two_sum(self.high, other.high)
        t, f = two_sum(self.low, other.low)
        s, e = quick_two_sum(s, e + t)
        return DoubleDouble(*quick_two_sum(s, e + f))

    def __sub__(self, other: Any) -> DoubleDouble:
        return self + -as_doubledouble(other)

    def __rsub__(self, other: Any) -> DoubleDouble:
        return -self + as_doubledouble(other)

    def __mul__(self, other: Any) -> DoubleDouble:
        other = as_doubledouble(other)
        p, e = two_product(self.high, other.high)
        return DoubleDouble(*quick_two_sum(p, e + (self.high * other.low + self.low * other.high)))

    def __truediv__(self, other: Any) -> DoubleDouble:
        other = as_doubledouble(other)
        quotient = self.high / other.high
        remainder = self - other * quotient
        return DoubleDouble(*quick_two_sum(quotient, remainder.high / other.high))

    def __rtruediv__(self, other: Any) -> DoubleDouble:
        return as_doubledouble(other) / self

    __radd__ = __add__
    __rmul__ = __mul__

    def sqrt(self) -> DoubleDouble:
        """Returns the square root (Karp and Markstein): one Newton step, whose correction needs float64 only."""
        inverse = 1.0 / np.sqrt(self.high)
        root = self.high * inverse
        remainder = self - DoubleDouble(root) * root
        high, low = quick_two_sum(root, remainder.high * (inverse * 0.5))
        zero = self.high == 0.0
        return DoubleDouble(np.where(zero, 0.0, high), np.where(zero, 0.0, low))

    def total(self) -> DoubleDouble:
        """Returns the sum over axis 0, by a tree of pairwise additions."""
        partial, low = self.high, np.broadcast_to(self.low, self.high.shape)
        while len(partial) > 1:
            half = len(partial) // 2
            first, second, odd = slice(half), slice(half, 2 * half), slice(2 * half, None)
            sums = DoubleDouble(partial[first], low[first]) + DoubleDouble(partial[second], low[second])
            if len(partial) % 2:
                partial, low = np.concatenate([sums.high, partial[odd]]), np.concatenate([sums.low, low[odd]])
            else:
                partial, low = sums.high, sums.low
        return DoubleDouble(partial[0], low[0])

    def scaled(self, exponent: Any) -> DoubleDouble:
        """Returns this times 2^exponent; exact unless the result leaves the range of normal numbers."""
        return DoubleDouble(np.ldexp(self.high, exponent), np.ldexp(self.low, exponent))


def as_doubledouble(value: Any) -> DoubleDouble:
    """Returns a DoubleDouble, float64 array or float as a DoubleDouble."""
    return value if isinstance(value, DoubleDouble) else DoubleDouble(value)
