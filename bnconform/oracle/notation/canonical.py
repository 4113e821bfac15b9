"""The canonical form of an expression: equal for two that differ only in the order and grouping of sums and products.

Rules: definitions are written out; a quotient is a product with negative powers, a root the power ½, a mean the sum
over m; products of sums are not multiplied out.
"""

from __future__ import annotations

from fractions import Fraction
from functools import cache
from typing import TypeAlias

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

Form: TypeAlias = tuple[object, ...]
"""Nested tuples of texts and fractions; hashable."""
_Powers: TypeAlias = "dict[Form, Fraction]"
_Factors: TypeAlias = "tuple[Fraction, _Powers]"
"""A coefficient, and the powers of a product by the form of their base."""
_ONE = Fraction(1)


@cache
def canonical(value: Expression) -> Form:
    """Returns the canonical form of an expression."""
    return _written(_factors(value))


def _factors(value: Expression) -> _Factors:
    """Returns an expression as a coefficient and powers."""
    match value:
        case Number(number):
            return Fraction(number), {}
        case Derived(definition=definition) | Applied(definition=definition):
            return _factors(definition)
        case Multiply(left, right):
            return _product(_factors(left), _factors(right))
        case Divide(left, right):
            return _product(_factors(left), _power(_factors(right), Fraction(-1)))
        case Power(base, exponent):
            return _power(_factors(base), Fraction(exponent))
        case Root(of):
            return _power(_factors(of), Fraction(1, 2))
        case Negative(of):
            return _product((Fraction(-1), {}), _factors(of))
        case Mean(of):
            return _product(_factors(Total(of)), (_ONE, {("m",): Fraction(-1)}))
        case Symbol(name):
            return _ONE, {(name,): _ONE}
        case Total(of):
            return _ONE, {("total", canonical(of)): _ONE}
        case Add() | Subtract():
            return _ONE, {("sum", *_sorted(_terms(value))): _ONE}
    raise TypeError(f"{value!r} has no canonical form; expected an expression of the notation")


def _terms(value: Expression) -> _Powers:
    """Returns the summands of an expression with their coefficients."""
    match value:
        case Add(left, right):
            return _added(_terms(left), _terms(right))
        case Subtract(left, right):
            return _added(_terms(left), _terms(Negative(right)))
        case Negative(of):
            return {form: -coefficient for form, coefficient in _terms(of).items()}
        case Derived(definition=definition) | Applied(definition=definition):
            return _terms(definition)
    coefficient, powers = _factors(value)
    return {_written((_ONE, powers)): coefficient}


def _added(one: _Powers, other: _Powers) -> _Powers:
    sums = {base: one.get(base, Fraction(0)) + other.get(base, Fraction(0)) for base in {**one, **other}}
    return {base: number for base, number in sums.items() if number}


def _product(one: _Factors, other: _Factors) -> _Factors:
    return one[0] * other[0], _added(one[1], other[1])


def _power(factors: _Factors, exponent: Fraction) -> _Factors:
    coefficient, powers = factors
    raised = {base: power * exponent for base, power in powers.items()}
    if exponent.denominator == 1:
        return coefficient**exponent.numerator, raised
    return _ONE, raised if coefficient == 1 else {**raised, ("number", coefficient): exponent}


def _written(factors: _Factors) -> Form:
    coefficient, powers = factors
    return ("product", coefficient, *_sorted(powers))


def _sorted(powers: _Powers) -> list[tuple[Form, Fraction]]:
    return sorted(powers.items(), key=repr)
