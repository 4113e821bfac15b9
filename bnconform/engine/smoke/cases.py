"""The cases of the smoke test: few, and exact in every dtype, whatever the order of summation.

Rules: shapes are of the pool from which compiling implementations get their cases anyway; every value is a small
whole number and x lies about its mean so that the variance is 2 and, with ε = 2, the root is 2.

One channel of three rows, with γ = 2 and β = 3 and so that y = x:

    x                   1       4       4     mean 3, variance 2 (unbiased 3)
    h = (x - 3)/2      -1      1/2     1/2
    y = 2h + 3          1       4       4
    dy                 -3       4       2     sum 3 = dβ, sum of dy·h 6 = dγ, mean(dy·h) = 2
    dx = dy - 1 - 2h   -2       2       0     times γ/2 = 1

With running averages of -1 and 14 and the weight 1/4: 3/4·(-1) + 1/4·3 = 0 and 3/4·14 + 1/4·3 = 11.25.
In inference x - 1 is -2, 1, 1 units of 2^-n, the running mean is 1, and the running variance of 14 has a root of 4.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from bnconform.cases.shapes import POOL, Layout
from bnconform.cases.strategies import Traits
from bnconform.contract.axes import from_rows
from bnconform.contract.case import Case
from bnconform.contract.dtypes import dtype_named

_DEVIATION = {3: (-2, 1, 1), 4: (2, -2, 0, 0)}
_BESIDE = {3: (0, 1, -1), 4: (0, 0, 1, -1)}
"""The part of dy beside its mean and its part along x: of mean 0 and orthogonal to the deviations, block by block."""
_UNIT = {"float64": 2.0**-30, "float32": 2.0**-16, "float16": 2.0**-10, "bfloat16": 2.0**-5}
"""The values of x in inference: beside 1 the next narrower type does not hold it."""


def smoke_cases(traits: Traits) -> list[Case]:
    """Returns the cases in the order of asking: the first layout again and again, then the others.

    Matrices and feature maps, or the smallest rank that is taken; a compiling implementation is asked for maps alone,
    four times in all, and has its parameters absent where the other cases of its pool have them so.
    """
    smallest, *larger = [POOL[rank] for rank in sorted(POOL) if rank in traits.ranks] or [[]]
    maps = [layout for table in larger for layout in table if len(layout.shape) == 4]
    layouts = maps if traits.compiled and maps else [*smallest, *maps]
    if not layouts:
        return []
    base, *others = layouts
    first = training(base, traits.dtype)
    found = [
        first,
        training(base, traits.dtype, momentum=0.25, turn=5, spread=2),
        replace(first, momentum=0.0, watched=True),
        inference(base, traits.dtype),
        *(training(layout, traits.dtype, momentum=1.0, turn=3) for layout in others),
        replace(training(smallest[0], traits.dtype, turn=1), gamma=None, beta=None, dy=None),
    ]
    return [settled(case, traits) for case in found]


def settled(case: Case, traits: Traits) -> Case:
    """Returns the case with the settings that an implementation has whatever a case says, where it has any.

    Its root is then not exact, and the bounds do what exact values would.
    """
    eps, momentum = traits.settled(case.eps, case.momentum)
    return replace(case, eps=eps, momentum=momentum)


def odd_axis(traits: Traits) -> Case | None:
    """Returns a bare case with its channels neither on axis 1 nor on the last one; None where that has to compile."""
    if traits.compiled or 4 not in traits.ranks:
        return None
    odd = Layout((3, 2, 4), 5, -1)
    case = settled(bare(training(odd, traits.dtype)), traits)
    return replace(case, x=np.moveaxis(case.x, -1, 2), axis=2)


def bare(case: Case) -> Case:
    """Returns a case of the layout of `case` that fits any axis of the channels, as it has no parameters.

    In x the sign of a summand of its own changes along each axis, so that y tells the axis of the channels.
    """
    weights = np.arange(3, 3 + case.x.ndim)
    x = np.tensordot(weights, _sign(np.indices(case.x.shape)), 1)
    return replace(case, x=x.astype(case.x.dtype), gamma=None, beta=None, running_mean=None, running_var=None, dy=None)


def training(layout: Layout, dtype: str, *, momentum: float = 0.25, turn: int = 0, spread: int = 1) -> Case:
    """Returns a training step. turn: where in the sequence of channels it starts; spread: the unit of the
    deviations."""
    d, beside = _columns(_DEVIATION, layout, turn), _columns(_BESIDE, layout, turn)
    number = np.arange(layout.channels) + turn
    mean = 3 - 2 * (number % 5)
    return _case(
        layout,
        dtype,
        mode="train",
        momentum=momentum,
        eps=2.0 * spread**2,
        x=mean + spread * d,
        gamma=2 * (1 + number % 3) * _sign(number),
        beta=3 - number,
        running_mean=mean - 4,
        running_var=14 + turn + number,
        dy=1 + 2 * (number % 2) + 2 * _sign(number // 2) * d + beside,
    )


def inference(layout: Layout, dtype: str) -> Case:
    """Returns a case of inference, with an x that no narrower type holds."""
    case = training(layout, dtype)
    x = 1 + _UNIT[dtype] * _columns(_DEVIATION, layout, 0)
    ones, zeros = np.ones_like(case.beta), np.zeros_like(case.beta)
    return replace(
        case,
        mode="infer",
        x=from_rows(x.astype(case.x.dtype), layout.shape, layout.axis),
        beta=zeros,
        running_mean=ones,
        running_var=14 * ones,
    )


def _case(layout: Layout, dtype: str, **values: np.ndarray | float | str) -> Case:
    cast = {name: v.astype(dtype_named(dtype)) if isinstance(v, np.ndarray) else v for name, v in values.items()}
    tensors = {name: from_rows(cast[name], layout.shape, layout.axis) for name in ("x", "dy")}  # type: ignore[arg-type]
    return Case(axis=layout.axis, **{**cast, **tensors})  # type: ignore[arg-type]


def _columns(block: dict[int, tuple[int, ...]], layout: Layout, turn: int) -> np.ndarray:
    """Returns blocks of three and four that fill the rows, turned on by one row from each channel to the next."""
    fours = layout.rows % 3
    column = np.array([*block[3] * ((layout.rows - 4 * fours) // 3), *block[4] * fours])
    return np.stack([np.roll(column, channel + turn) for channel in range(layout.channels)], axis=1)


def _sign(number: np.ndarray) -> np.ndarray:
    return 1 - 2 * (number % 2)
