"""Each formula, evaluated as it is written, is what the careful reference computes, and what exact arithmetic gives."""

from __future__ import annotations

from collections.abc import Iterator

import mpmath
import numpy as np
import pytest
from worlds.drawing import DTYPES, draw

from bnconform import Case, Dialect
from bnconform.cases.strategies import Derivatives, Traits, cases
from bnconform.oracle.notation.evaluation import DoubleDoubles, Evaluation
from bnconform.oracle.notation.formulas import FORMULAS, Formula, as_written, formula_of, shaped
from bnconform.oracle.notation.symbols import TRAINING, Mode

DERIVATIVES: dict[str, Derivatives] = {
    "dot_y": "tangents", "grad_x": "second_order", "grad_gamma": "second_order", "grad_dy": "second_order",
    "third_x": "third_order", "batch_mean": "batch_statistics", "batch_var": "batch_statistics",
    "drunning_mean": "running_gradients", "drunning_var": "running_gradients",
    "folded_weight": "fold", "folded_bias": "fold",
}  # fmt: skip
NAMES = [f"{one.mode} {one.output} {place}" for place, one in enumerate(FORMULAS)]
ULP = 2.0**-52


def derivatives_of(one: Formula) -> Derivatives:
    through_returned = one.output == "dx" and "dv" in str(one.expression)
    return "batch_statistics" if through_returned else DERIVATIVES.get(one.output, "first")


def drawn(mode: Mode, derivatives: Derivatives, dtype: str, count: int) -> list[Case]:
    given = cases(mode=mode, derivatives=derivatives, statistics=derivatives != "batch_statistics")
    return draw(given.strategy(Traits(dtype=dtype)), count)


def asked(one: Formula, dtype: str, count: int) -> Iterator[Case]:
    for case in drawn(one.mode, derivatives_of(one), dtype, count):
        if case.running_mean is not None or one.output not in ("running_mean", "running_var"):
            yield case


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("one", FORMULAS, ids=NAMES)
def test_a_formula_as_it_is_written_is_what_the_reference_computes(one: Formula, dtype: str) -> None:
    compared = 0
    for case in asked(one, dtype, 6):
        written, careful = as_written(one.output, one.expression, case), one.value(case)
        bound = one.bound(case, Dialect()).allowance
        # In float64 both are double-doubles, rounded once each; below it the reference is float64 with its own error.
        room = ULP * np.abs(careful) + 1e-300 if dtype == "float64" else 1e-4 * bound
        sure = np.isfinite(bound) & np.isfinite(careful)
        assert (np.abs(written - careful)[sure] <= room[sure]).all()
        compared += int(np.count_nonzero(sure))
    assert compared


class Exact:
    """Numbers of 60 digits."""

    def lift(self, values: np.ndarray) -> np.ndarray:
        return np.vectorize(lambda value: mpmath.mpf(float(value)), otypes=[object])(values)

    def total(self, rows: np.ndarray) -> np.ndarray:
        return np.asarray(np.add.reduce(rows, axis=0))

    def sqrt(self, values: np.ndarray) -> np.ndarray:
        return np.asarray(np.vectorize(mpmath.sqrt, otypes=[object])(values))

    def rounded(self, values: np.ndarray) -> np.ndarray:
        return np.asarray(values).astype(np.float64)


@pytest.mark.parametrize("one", FORMULAS, ids=NAMES)
def test_a_formula_in_sixty_digits_is_what_the_reference_computes(one: Formula) -> None:
    case = min(asked(one, "float64", 12), key=lambda one: one.x.size)
    with mpmath.workdps(60):
        exact = shaped(one.output, Evaluation(case, Exact()).rounded(one.expression), case)
    careful = one.value(case)
    assert np.isfinite(careful).any()
    np.testing.assert_allclose(exact, careful, rtol=ULP, atol=1e-300)


def test_an_equation_that_the_reference_does_not_know_is_evaluated_as_it_is_written() -> None:
    c = TRAINING
    (case,) = drawn("train", "first", "float64", 1)
    known, unknown = formula_of("y", "train", c.β + c.h * c.γ), formula_of("y", "train", c.γ * c.h - c.β)
    assert known is FORMULAS[0]
    assert not np.array_equal(unknown.value(case), known.value(case))
    values = Evaluation(case, DoubleDoubles())
    np.testing.assert_array_equal(unknown.value(case), shaped("y", values.rounded(c.γ * c.h - c.β), case))
