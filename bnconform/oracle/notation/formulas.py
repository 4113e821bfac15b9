"""The formula of every output of a Case, in symbols, for those that the careful reference computes.

Rules: the reference computes the same by ways that overflow nowhere and round little; `tests/oracle/notation` holds
each formula to it, evaluated as it stands in double-double and in arbitrary precision. An equation whose canonical form
stands here is judged by the reference; any other is evaluated as it is written.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np

from bnconform.contract.axes import from_rows
from bnconform.contract.case import Case
from bnconform.contract.dialect import Dialect
from bnconform.contract.outcome import ELEMENTWISE, OUTPUTS
from bnconform.oracle import bounds, reference
from bnconform.oracle.bounds import Bound
from bnconform.oracle.notation.canonical import canonical
from bnconform.oracle.notation.evaluation import DoubleDoubles, Evaluation
from bnconform.oracle.notation.expression import Expression, mean, total
from bnconform.oracle.notation.symbols import INFERENCE, TRAINING, Mode, Symbols


@dataclass(frozen=True)
class Formula:
    """An output in a mode: its expression, the reference's values of it and their bound."""

    output: str
    mode: Mode
    expression: Expression
    value: Callable[[Case], np.ndarray]
    bound: Callable[[Case, Dialect], Bound]


def _formula(output: str, c: Symbols, expression: Expression) -> Formula:
    return Formula(output, c.mode, expression, getattr(reference, output), getattr(bounds, output))


def _running_var(c: Symbols, expression: Expression, correction: int) -> Formula:
    value = partial(reference.running_var, correction=correction)
    return Formula("running_var", c.mode, expression, value, partial(bounds.running_var, correction=correction))


def _product(c: Symbols) -> Expression:
    """Σ w·P(g), what the second gradients share."""
    return total(c.w * c.P(c.g))


def _second_x(c: Symbols) -> Expression:
    inner = c.h * mean(c.w * c.P(c.g)) + mean(c.w * c.h) * c.P(c.g) + mean(c.g * c.h) * c.P(c.w)
    return c.p * c.r * c.P(c.g) - c.γ * c.r**2 * inner


def _third_x(c: Symbols) -> Expression:
    def one(a: Expression, b: Expression, t: Expression) -> Expression:
        product = mean(b * c.P(t))
        return 2 * c.h * mean(a * c.h) * product - c.P(a) * (product - 2 * mean(b * c.h) * mean(t * c.h))

    return c.γ * c.r**3 * (one(c.z, c.w, c.g) + one(c.w, c.g, c.z) + one(c.g, c.z, c.w))


def _formulas(c: Symbols) -> list[Formula]:
    y = c.γ * c.h + c.β
    dgamma, dbeta = total(c.g * c.h), total(c.g)
    return [_formula("y", c, y), _formula("dgamma", c, dgamma), _formula("dbeta", c, dbeta)]


def _of_training(c: Symbols) -> list[Formula]:
    through_returned = c.γ * c.r * c.P(c.g) + c.dμ / c.m + 2 * c.d / c.m * c.dv
    biased = (1 - c.ω) * c.Var + c.ω * c.v
    unbiased = (1 - c.ω) * c.Var + c.ω * (c.m / (c.m - 1)) * c.v
    return [
        *_formulas(c),
        _formula("dx", c, c.γ * c.r * c.P(c.g)),
        _formula("dx", c, through_returned),
        _formula("running_mean", c, (1 - c.ω) * c.E + c.ω * c.μ),
        _running_var(c, unbiased, 1),
        _running_var(c, biased, 0),
        _formula("batch_mean", c, c.μ),
        _formula("batch_var", c, c.v),
        _formula("dot_y", c, c.γ * c.r * c.P(c.dot_x) + c.dot_γ * c.h + c.dot_β),
        _formula("grad_x", c, _second_x(c)),
        _formula("grad_gamma", c, c.r * _product(c)),
        _formula("grad_dy", c, c.γ * c.r * c.P(c.w) + c.p * c.h + c.q),
        _formula("third_x", c, _third_x(c)),
    ]


def _of_inference(c: Symbols) -> list[Formula]:
    return [
        *_formulas(c),
        _formula("dx", c, c.γ * c.r * c.g),
        _formula("dot_y", c, c.γ * c.r * c.dot_x + c.dot_γ * c.h + c.dot_β),
        _formula("grad_x", c, c.p * c.r * c.g),
        _formula("grad_gamma", c, c.r * total(c.w * c.g)),
        _formula("grad_dy", c, c.γ * c.r * c.w + c.p * c.h + c.q),
        _formula("folded_weight", c, c.γ * c.r * c.W),
        _formula("folded_bias", c, c.γ * c.r * (c.b - c.E) + c.β),
        _formula("drunning_mean", c, -c.γ * c.r * total(c.g)),
        _formula("drunning_var", c, -c.γ * c.r**2 * total(c.g * c.h) / 2),
    ]


FORMULAS: tuple[Formula, ...] = (*_of_training(TRAINING), *_of_inference(INFERENCE))
_BY_FORM = {(one.output, one.mode, canonical(one.expression)): one for one in FORMULAS}


PER_CHANNEL_OUTPUTS = tuple(name for name in OUTPUTS if name not in ELEMENTWISE)


def formula_of(output: str, mode: Mode, expression: Expression) -> Formula:
    """Returns the formula by which an equation for an output is judged.

    That of the reference, where it computes the same expression; otherwise the expression evaluated as it is written,
    within the bound of that output.
    """
    known = _BY_FORM.get((output, mode, canonical(expression)))
    if known is not None:
        return known
    return Formula(output, mode, expression, partial(as_written, output, expression), getattr(bounds, output))


def channel_values(mode: Mode, expression: Expression, case: Case) -> np.ndarray:
    """Returns the values of an expression of one value per channel: the reference's, where it has them."""
    form = canonical(expression)
    for name in PER_CHANNEL_OUTPUTS:
        if (known := _BY_FORM.get((name, mode, form))) is not None:
            return known.value(case)
    return Evaluation(case, DoubleDoubles()).rounded(expression)


def as_written(output: str, expression: Expression, case: Case) -> np.ndarray:
    """Returns the values of an expression for an output, evaluated as it stands in double-double, in its shape."""
    return shaped(output, Evaluation(case, DoubleDoubles()).rounded(expression), case)


def shaped(output: str, values: np.ndarray, case: Case) -> np.ndarray:
    """Returns values of shape (m, C), (C,) or () in the shape of that output."""
    if output not in ELEMENTWISE:
        return np.broadcast_to(values, (case.channels,))
    return from_rows(np.ascontiguousarray(np.broadcast_to(values, (case.rows, case.channels))), case.x.shape, case.axis)
