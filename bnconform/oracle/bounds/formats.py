"""Facts about floating-point types, and the arithmetic that a Dialect declares for inputs of one type.

Rule: every figure is an exact power of two or follows from one; nothing here is measured.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from bnconform.contract.case import PER_CHANNEL, Case
from bnconform.contract.dialect import Dialect
from bnconform.contract.dtypes import DTYPES, dtype_name


@dataclass(frozen=True, slots=True)
class Arithmetic:
    """One floating-point type: unit roundoff `u`, smallest normal and subnormal number, largest finite number."""

    name: str
    bits: int
    u: float
    normal: float
    subnormal: float
    largest: float

    @property
    def kept(self) -> float:
        """The smallest number that correct code keeps: hardware and compilers flush the subnormal numbers of the wide
        exponent ranges to zero, but none is known to flush float16's, half of whose range they are."""
        return self.subnormal if self.name == "float16" else self.normal


def _binary(name: str, bits: int, precision: int, top: int) -> Arithmetic:
    """Returns the type with `precision` significant bits and largest exponent `top`: values below 2^(top+1)."""
    normal = 2.0 ** (1 - top)
    u = 2.0**-precision
    return Arithmetic(name, bits, u, normal, normal * 2 * u, (2.0 - 2 * u) * 2.0**top)


ARITHMETICS = {
    "float16": _binary("float16", 16, 11, 15),
    "bfloat16": _binary("bfloat16", 16, 8, 127),
    "float32": _binary("float32", 32, 24, 127),
    "float64": _binary("float64", 64, 53, 1023),
}


@dataclass(frozen=True, slots=True)
class EffectiveArithmetic:
    """The types that an implementation computes in, for inputs of one type.

    accumulate: sums. elementwise: the elementwise arithmetic. stored: batch statistics between passes, None where that
    rounds nothing. cotangents: sums of cotangents. output: y and dx. params: gradients of the parameters.
    running: the running statistics.
    """

    accumulate: Arithmetic
    elementwise: Arithmetic
    stored: Arithmetic | None
    cotangents: Arithmetic
    output: Arithmetic
    params: Arithmetic
    running: Arithmetic


def arithmetic(dtype: str) -> Arithmetic:
    """Returns the facts about the type named `dtype`; raises ValueError for a type that is not judged."""
    if dtype not in ARITHMETICS:
        raise ValueError(f"dtype is {dtype!r}; expected one of {DTYPES}")
    return ARITHMETICS[dtype]


def effective(case_dtype: str, dialect: Dialect) -> EffectiveArithmetic:
    """Returns the arithmetic that `dialect` declares for inputs of `case_dtype`.

    A field of the Dialect counts only where it names a type wider than the input's; otherwise the input's type holds.
    """
    x = arithmetic(case_dtype)
    accumulate = _declared(x, dialect.stats_dtype, x)
    params = _declared(x, dialect.params_dtype, x)
    return EffectiveArithmetic(
        accumulate=accumulate,
        elementwise=_declared(x, dialect.elementwise_dtype, accumulate),
        stored=_narrower(_declared(x, dialect.stored_dtype, accumulate), accumulate),
        cotangents=_declared(x, dialect.cotangent_dtype, accumulate),
        output=x,
        params=params,
        running=_declared(x, dialect.running_dtype, params),
    )


def effective_for(case: Case, dialect: Dialect) -> EffectiveArithmetic:
    """Returns the arithmetic that `dialect` declares for a case.

    Where γ or β is wider than x, gradients of parameters and averages are due in the widest type of the parameters,
    whatever is declared for inputs whose parameters are as narrow as they.
    """
    types = effective(case.dtype, dialect)
    if not case.has_wide_parameters:
        return types
    given = [arithmetic(dtype_name(one.dtype)) for name in PER_CHANNEL if (one := getattr(case, name)) is not None]
    due = max(given, key=lambda one: one.bits)
    return replace(types, params=_wider(due, types.params), running=_wider(due, types.running))


def _wider(one: Arithmetic, other: Arithmetic) -> Arithmetic:
    return one if one.bits > other.bits else other


def _declared(x: Arithmetic, dtype: str | None, default: Arithmetic) -> Arithmetic:
    if dtype is None:
        return default
    declared = arithmetic(dtype)
    return declared if declared.bits > x.bits else x


def _narrower(stored: Arithmetic, accumulate: Arithmetic) -> Arithmetic | None:
    return stored if stored.bits < accumulate.bits else None
