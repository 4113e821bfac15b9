"""Faults of rounding: right in exact arithmetic, or right in too narrow a type."""

from dataclasses import fields, replace

import ml_dtypes
import numpy as np

from bnconform.analysis.faults.calculation import Calculation, Floats, Number
from bnconform.analysis.faults.fault import Asked, Formulas, altered, fault, prepared, together
from bnconform.analysis.faults.formulas import FORMULAS
from bnconform.contract.axes import to_rows
from bnconform.contract.case import Case
from bnconform.contract.dialect import Dialect
from bnconform.contract.dtypes import NARROW, dtype_named
from bnconform.contract.outcome import Outcome

WIDE_INPUT = frozenset({"float32", "float64"})
SIXTEEN = frozenset(NARROW)


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


# What is kept in a wider type than the data, as in mixed precision: where it is as narrow, most of these are right.


def _as_data(case: Case, array: np.ndarray | None) -> np.ndarray | None:
    """Returns an array as the type of the data holds it, in its own type."""
    with np.errstate(over="ignore"):
        return None if array is None else array.astype(case.x.dtype).astype(array.dtype)


@prepared(dtypes=SIXTEEN)
def parameters_rounded_to_the_data(case: Case) -> Case:
    """γ and β are rounded to the type of the data before they are used."""
    return replace(case, gamma=_as_data(case, case.gamma), beta=_as_data(case, case.beta))


@prepared(dtypes=SIXTEEN)
def scale_alone_rounded_to_the_data(case: Case) -> Case:
    """γ is rounded to the type of the data before it is used."""
    return replace(case, gamma=_as_data(case, case.gamma))


@prepared(dtypes=SIXTEEN)
def averages_rounded_to_the_data(case: Case) -> Case:
    """The running statistics are rounded to the type of the data before they are used."""
    mean, variance = _as_data(case, case.running_mean), _as_data(case, case.running_var)
    return replace(case, running_mean=mean, running_var=variance)


@prepared(dtypes=frozenset({"float16"}))
def running_variance_cut_off(case: Case) -> Case:
    """A running variance beyond the largest number of float16 is taken for that number."""
    if case.running_var is None:
        return case
    largest = np.asarray(np.finfo(np.float16).max, case.running_var.dtype)
    return replace(case, running_var=np.minimum(case.running_var, largest))


@altered(dtypes=frozenset({"float16"}))
def averages_kept_as_the_data(case: Case, outcome: Outcome, _: Asked) -> Outcome:
    """The running statistics that training returns are rounded to float16, the type of the data."""
    if case.mode == "infer":
        return outcome
    mean, variance = _as_data(case, outcome.running_mean), _as_data(case, outcome.running_var)
    return replace(outcome, running_mean=mean, running_var=variance)


@fault("epsilon", dtypes=SIXTEEN)
def epsilon_rounded_to_the_data(c: Calculation) -> Number:
    """ε is rounded to the type of the data, in which it may be zero."""
    return float(c.case.x.dtype.type(c.eps))


@altered(dtypes=SIXTEEN)
def gradients_of_parameters_kept_as_the_data(case: Case, outcome: Outcome, _: Asked) -> Outcome:
    """The gradients of γ and β are rounded to the type of the data."""
    return replace(outcome, dgamma=_as_data(case, outcome.dgamma), dbeta=_as_data(case, outcome.dbeta))


def _summed(c: Calculation, rows: np.ndarray) -> Number:
    total = np.zeros_like(rows[0])
    for row in rows:
        total = total + row
    return c.vector(total.astype(np.float64))


@together(dtypes=SIXTEEN, rounding=True)
def gradients_of_parameters_summed_as_the_data() -> Formulas:
    """The gradients of γ and β are summed in the type of the data."""
    return {
        "dgamma": lambda c: _summed(c, c.plain(c.g * c.h_back).astype(c.case.x.dtype)),
        "dbeta": lambda c: _summed(c, to_rows(c.case.dy, c.case.axis)),
    }


@fault("y", dtypes=SIXTEEN, rounding=True)
def normalized_rounded_before_the_scale(c: Calculation) -> Number:
    """The normalized values are rounded to the type of the data before γ and β meet them."""
    return c.numbers.lift(c.plain(c.h).astype(c.case.x.dtype)) * c.scale + c.shift
