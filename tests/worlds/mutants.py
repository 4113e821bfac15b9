"""Wrong equations: every expression that one slip of the pen makes of a right one."""

from __future__ import annotations

from collections.abc import Iterator

from bnconform.oracle.notation.canonical import canonical
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
    symbols_in,
)


def mutants(value: Expression) -> dict[str, Expression]:
    """Returns the wrong expressions, by what is wrong; those that mean the same as the right one are no mutants."""
    alphabet = sorted(symbols_in(value), key=lambda one: one.name)
    right = canonical(value)
    whole = [("the opposite", Negative(value)), ("twice as much", Multiply(Number(2), value))]
    slips = {f"{place} {words}": wrong for place, (words, wrong) in enumerate([*whole, *_slips(value, alphabet)])}
    return {words: wrong for words, wrong in slips.items() if canonical(wrong) != right}


def _slips(value: Expression, alphabet: list[Symbol]) -> Iterator[tuple[str, Expression]]:
    yield from _here(value, alphabet)
    if isinstance(value, Derived):
        return  # one definition serves all equations; `definitions` mutates it
    if isinstance(value, Applied):
        yield f"{value.name} forgotten", value.argument
        for words, wrong in _slips(value.argument, alphabet):
            yield words, Applied(value.name, wrong, substituted(value.definition, value.argument, wrong))
        return
    for name, part in value.parts.items():
        for words, wrong in _slips(part, alphabet):
            yield words, value.with_part(name, wrong)


def substituted(value: Expression, old: Expression, new: Expression) -> Expression:
    """Returns the expression with `new` wherever `old` stands in it."""
    if value == old:
        return new
    for name, part in value.parts.items():
        value = value.with_part(name, substituted(part, old, new))
    return value


def _here(value: Expression, alphabet: list[Symbol]) -> Iterator[tuple[str, Expression]]:
    match value:
        case Add(left, right):
            yield "wrong sign", Subtract(left, right)
            yield "missing summand", left
            yield "missing first summand", right
        case Subtract(left, right):
            yield "wrong sign", Add(left, right)
            yield "missing summand", left
        case Multiply(left, right):
            yield "missing factor", left
            yield "missing first factor", right
            yield "divided", Divide(left, right)
        case Divide(left, right):
            yield "missing divisor", left
            yield "multiplied", Multiply(left, right)
        case Negative(of):
            yield "missing minus", of
        case Root(of):
            yield "missing root", of
        case Power(base, exponent):
            yield "wrong power", Power(base, exponent + 1)
        case Number(number):
            yield "wrong number", Number(number + 1)
        case Total(of):
            yield "mean for sum", Mean(of)
        case Mean(of):
            yield "sum for mean", Total(of)
        case Derived():
            yield f"{value.name} forgotten", Number(1)
        case Symbol(name, shape=shape):
            yield from ((f"{one.name} for {name}", one) for one in alphabet if one != value and one.shape == shape)
