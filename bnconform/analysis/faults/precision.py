"""Faults of rounding: right in exact arithmetic, or right in too narrow a type."""

from dataclasses import fields, replace

import ml_dtypes
import numpy as np

from bnconform.analysis.faults.calculation import Calculation, Floats, Number
from bnconform.analysis.faults.fault import Formulas, fault, prepared, together
from bnconform.analysis.faults.formulas import FORMULAS
from bnconform.contract.case import Case
from bnconform.contract.dialect import Dialect
from bnconform.contract.dtypes import dtype_named

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


@together(rounding=True)
def statistics_stored_in_16_bits() -> Formulas:
    """Mean and variance are rounded to bfloat16 before they are used."""
    return {**mean_stored_in_16_bits.formulas, **variance_stored_in_16_bits.formulas}


@together(rounding=True)
def averages_stored_in_16_bits() -> Formulas:
    """The running mean and variance are rounded to bfloat16, and the batch's own are not."""
    return {
        "running_mean": lambda c: c.rm if c.rm is None or not c.training else _narrowed(c, FORMULAS["running_mean"](c)),
        "running_var": lambda c: c.rv if c.rv is None or not c.training else _narrowed(c, FORMULAS["running_var"](c)),
    }


def _rounded_parameters(case: Case, dtype: str) -> Case:
    return replace(case, gamma=_rounded(case.gamma, dtype), beta=_rounded(case.beta, dtype))


def _rounded(array: np.ndarray | None, dtype: str) -> np.ndarray | None:
    with np.errstate(over="ignore"):
        return None if array is None else array.astype(dtype_named(dtype)).astype(array.dtype)


@prepared(dtypes=WIDE_INPUT)
def parameters_rounded_to_bfloat16(case: Case) -> Case:
    """γ and β are rounded to bfloat16, where data and parameters have more bits."""
    return _rounded_parameters(case, "bfloat16")


@prepared(dtypes=WIDE_INPUT)
def parameters_rounded_to_float16(case: Case) -> Case:
    """γ and β are rounded to float16, where data and parameters have more bits."""
    return _rounded_parameters(case, "float16")


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


def _one_pass_clamped(case: Case, dialect: Dialect) -> tuple[Case, Dialect]:
    return case, replace(dialect, variance="one-pass", clamps_variance=True)


# Squares of bfloat16 are exact in float32: what is left of a variance is hardly ever negative there.
@fault("variance", rounding=True, dtypes=frozenset({"float16", "float32", "float64"}), within=_one_pass_clamped)
def variance_in_one_pass_clamped(c: Calculation) -> Number:
    """The variance is E[x²] - E[x]², which nobody declared, and 0 where that is negative."""
    return c.largest(c.average(c.x * c.x) - c.mean * c.mean, 0.0)


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
