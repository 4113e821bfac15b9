"""Faults of rounding: right in exact arithmetic, or right in too narrow a type."""

from dataclasses import fields, replace

import ml_dtypes
import numpy as np

from bnconform.analysis.faults.calculation import Calculation, Floats, Number
from bnconform.analysis.faults.fault import fault, prepared
from bnconform.contract.case import Case
from bnconform.contract.dialect import Dialect

WIDE_INPUT = frozenset({"float32", "float64"})


def _narrowed(c: Calculation, t: Number) -> Number:
    return c.vector(c.plain(t).astype(ml_dtypes.bfloat16).astype(np.float64))


@fault("mean", rounding=True)
def mean_stored_in_16_bits(c: Calculation) -> Number:
    """The mean is rounded to bfloat16 before it is used."""
    return _narrowed(c, c.average(c.x))


@fault("variance", rounding=True)
def variance_stored_in_16_bits(c: Calculation) -> Number:
    """The variance is rounded to bfloat16 before it is used."""
    return _narrowed(c, c.average((c.x - c.mean) * (c.x - c.mean)))


@fault("r", rounding=True, dtypes=WIDE_INPUT)
def reciprocal_root_of_twelve_bits(c: Calculation) -> Number:
    """The reciprocal root has twelve bits, as hardware estimates it."""
    r = c.plain(1.0 / c.sqrt(c.variance_in_y + c.epsilon))
    mantissa, exponent = np.frexp(r)
    return c.vector(np.ldexp(np.rint(mantissa * 4096) / 4096, exponent))


def _one_pass(case: Case, dialect: Dialect) -> tuple[Case, Dialect]:
    return case, replace(dialect, variance="one-pass", clamps_variance=False)


@fault("variance", rounding=True, within=_one_pass)
def variance_in_one_pass(c: Calculation) -> Number:
    """The variance is E[x²] - E[x]², which nobody declared."""
    return c.average(c.x * c.x) - c.mean * c.mean


@fault("mean", rounding=True)
def mean_summed_in_16_bits(c: Calculation) -> Number:
    """The mean is summed in bfloat16."""
    rows = c.plain(c.x).astype(ml_dtypes.bfloat16)
    total = np.zeros_like(rows[0])
    for row in rows:
        total = total + row
    return c.vector(total.astype(np.float64)) / float(c.m)


@fault("variance", rounding=True, dtypes=frozenset({"float16"}))
def squares_that_overflow(c: Calculation) -> Number:
    """The deviations are squared in float16, where the square of 256 is infinite."""
    d = c.plain(c.x - c.mean).astype(np.float16)
    return c.average(c.numbers.lift((d * d).astype(np.float64)))


def _in_float32(case: Case, dialect: Dialect) -> tuple[Case, Dialect]:
    arrays = {one.name: getattr(case, one.name) for one in fields(case)}
    with np.errstate(over="ignore"):
        narrow = {name: array.astype(np.float32) for name, array in arrays.items() if _is_float64(array)}
    return replace(case, **narrow), dialect


def _is_float64(value: object) -> bool:
    return isinstance(value, np.ndarray) and value.dtype == np.float64


@prepared(rounding=True, dtypes=frozenset({"float64"}), numbers=lambda dtype: Floats("float32"), within=_in_float32)
def float32_inside_float64(case: Case) -> Case:
    """Float64 data are computed in float32."""
    return case
