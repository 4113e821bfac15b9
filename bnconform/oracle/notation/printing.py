"""Expressions in print: as LaTeX for the report, as plain text for a terminal.

Rules: an expression is printed as it is written, with the parentheses that it needs and no others; a quotient is a
fraction, and a factor beside one stands before it.
"""

from __future__ import annotations

from bnconform.oracle.notation.expression import (
    Add,
    Applied,
    Derived,
    Divide,
    Expression,
    Least,
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

TEXT = {"v": "σ²", "E": "E[x]", "Var": "Var[x]", "h": "x̂", "dot_x": "ẋ", "dot_γ": "γ̇", "dot_β": "β̇"}
"""How a terminal shows symbols whose name in code is another."""
_SUM, _PRODUCT, _ATOM = 1, 2, 3
"""How tightly an expression holds together: what holds less tightly than its place asks for gets parentheses."""


def latex(value: Expression) -> str:
    """Returns an expression as LaTeX."""
    match value:
        case Number(number):
            return f"{number:g}"
        case Symbol(latex=symbol) | Derived(latex=symbol):
            return symbol
        case Applied(name, argument):
            return f"{name}({latex(argument)})"
        case Add(left, right):
            return f"{latex(left)} + {_latex(right, _SUM)}"
        case Subtract(left, right):
            return f"{latex(left)} - {_latex(right, _PRODUCT)}"
        case Multiply(left, right):
            return f"{_latex(left, _PRODUCT, closed=True)}\\,{_latex(right, _PRODUCT)}"
        case Divide(left, right):
            return f"\\frac{{{latex(left)}}}{{{latex(right)}}}"
        case Negative(of):
            return f"-{_latex(of, _PRODUCT)}"
        case Power(base, exponent):
            return f"{_latex(base, _ATOM)}^{{{exponent}}}"
        case Root(of):
            return f"\\sqrt{{{latex(of)}}}"
        case Total(of):
            return f"\\sum {_latex(of, _PRODUCT)}"
        case Mean(of):
            return f"\\mathrm{{mean}}({latex(of)})"
        case Least(left, right):
            return f"{latex(left)} \\ge {latex(right)}"
    raise TypeError(f"{value!r} cannot be printed; expected an expression of the notation")


def _latex(value: Expression, place: int, *, closed: bool = False) -> str:
    printed = latex(value)
    held = _hold(value) >= place and not (closed and _is_open(value))
    return printed if held else f"\\left({printed}\\right)"


def _is_open(value: Expression) -> bool:
    """Returns whether a factor behind it would be read as one inside its sum."""
    return isinstance(value, Total) or (isinstance(value, Multiply) and _is_open(value.right))


def text(value: Expression) -> str:
    """Returns an expression as a line of plain text."""
    match value:
        case Number(number):
            return f"{number:g}"
        case Symbol(name) | Derived(name):
            return TEXT.get(name, name)
        case Applied(name, argument):
            return f"{name}({text(argument)})"
        case Add(left, right):
            return f"{text(left)} + {_text(right, _SUM)}"
        case Subtract(left, right):
            return f"{text(left)} - {_text(right, _PRODUCT)}"
        case Multiply(left, right):
            return f"{_text(left, _PRODUCT)}·{_text(right, _PRODUCT)}"
        case Divide(left, right):
            return f"{_text(left, _PRODUCT)}/{_text(right, _ATOM)}"
        case Negative(of):
            return f"-{_text(of, _PRODUCT)}"
        case Power(base, exponent):
            return f"{_text(base, _ATOM)}^{exponent}"
        case Root(of):
            return f"√({text(of)})"
        case Total(of):
            return f"Σ({text(of)})"
        case Mean(of):
            return f"mean({text(of)})"
        case Least(left, right):
            return f"{text(left)} ≥ {text(right)}"
    raise TypeError(f"{value!r} cannot be printed; expected an expression of the notation")


def _text(value: Expression, place: int) -> str:
    printed = text(value)
    held = _PRODUCT if isinstance(value, Divide) else _hold(value)
    return printed if held >= place else f"({printed})"


def _hold(value: Expression) -> int:
    if isinstance(value, Add | Subtract | Negative):
        return _SUM
    if isinstance(value, Multiply | Total):
        return _PRODUCT
    return _ATOM


def names_in_print(value: Expression) -> set[str]:
    """Returns the names of the symbols and functions that an expression shows as it is printed."""
    if isinstance(value, Symbol | Derived):
        return {value.name}
    shown = [value.argument] if isinstance(value, Applied) else list(value.parts.values())
    own = {value.name} if isinstance(value, Applied) else set()
    return own.union(*(names_in_print(part) for part in shown))
