"""The recurrences and their bounds beside exact rational arithmetic."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
from worlds.drawing import DTYPES, draw
from worlds.layers import KINDS, SUMS, Layer, layer

from bnconform import Case
from bnconform.cases.strategies import Traits, cases
from bnconform.contract.axes import to_rows
from bnconform.engine.spec import Subject
from bnconform.relations.chains import Steps
from bnconform.relations.state import averaged_chains, recurrences

EXACT_TO = 2.0**-48
"""How near the reference is to the exact average, relative to the sum of its terms' magnitudes."""


def drawn(dtype: str, count: int = 6) -> list[Case]:
    return draw(cases(mode="train", gradients=False).strategy(Traits(dtype=dtype, ranks=(2,))), count)


def chain_of(kind: str, case: Case, sums: str = "in_order") -> tuple[Steps, Layer]:
    made = layer(Layer(kind=kind, how=SUMS[sums]))
    return recurrences.from_the_beginning(Subject(made.run, made.dialect), case), made


def exact(chain: Steps, kind: str, channel: int, correction: int | None) -> tuple[Fraction, Fraction]:
    """Returns the average after the chain and the sum of its terms' magnitudes, from the written formulas."""
    omega = Fraction(chain[0].case.momentum)
    reached = Fraction(0 if kind == "debiased" or correction is None else 1)
    size = reached
    for place, step in enumerate(chain, 1):
        x = [Fraction(float(value)) for value in to_rows(step.case.x, step.case.axis)[:, channel]]
        mean = sum(x) / len(x)
        new = mean if correction is None else sum((value - mean) ** 2 for value in x) / (len(x) - correction)
        weight = {"cumulative": Fraction(1, place), "first copy": Fraction(1) if place == 1 else omega}.get(kind, omega)
        terms = sum(map(abs, x)) / len(x) if correction is None else new
        reached, size = (1 - weight) * reached + weight * new, (1 - weight) * size + weight * terms
    z = 1 - (1 - omega) ** len(chain) if kind == "debiased" else Fraction(1)
    return reached / z, size / z


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("kind", KINDS)
def test_the_reference_is_the_exact_average(kind: str, dtype: str) -> None:
    for case in drawn(dtype, 3):
        chain, made = chain_of(kind, case)
        mean, _ = averaged_chains.mean_after(chain, made.dialect)
        variance, _ = averaged_chains.variance_after(chain, made.dialect, 1)
        for channel in range(case.channels):
            for got, correction in ((mean, None), (variance, 1)):
                want, size = exact(chain, kind, channel, correction)
                assert abs(Fraction(float(got[channel])) - want) <= Fraction(EXACT_TO) * size


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("sums", SUMS)
@pytest.mark.parametrize("kind", KINDS)
def test_the_bound_covers_right_layers_and_claims_something(kind: str, sums: str, dtype: str) -> None:
    claimed = 0
    for case in drawn(dtype, 4):
        chain, made = chain_of(kind, case, sums)
        last = chain[-1].outcome
        assert last.running_mean is not None
        assert last.running_var is not None
        found = (
            (last.running_mean, averaged_chains.mean_after(chain, made.dialect)[1], None),
            (last.running_var, averaged_chains.variance_after(chain, made.dialect, 1)[1], 1),
        )
        for got, within, correction in found:
            claimed += int(np.count_nonzero(within.claims))
            for channel in np.flatnonzero(np.isfinite(within.allowance)):
                want, _ = exact(chain, kind, int(channel), correction)
                error = abs(Fraction(float(got[channel])) - want)
                assert error <= Fraction(float(within.allowance[channel])), (channel, correction)
    assert claimed


def test_weights_are_those_that_are_declared() -> None:
    case = replace(drawn("float64", 1)[0], momentum=0.25)
    expected = {
        "exponential": [0.25] * 3,
        "cumulative": [1.0, 1 / 2, 1 / 3],
        "first copy": [1.0, 0.25, 0.25],
        "debiased": [0.25] * 3,
    }
    for kind in KINDS:
        chain, made = chain_of(kind, case)
        assert [float(weight.high) for weight in averaged_chains.weights(chain, made.dialect)] == expected[kind]
    assert float(averaged_chains.divisor(*_debiased(case)).high) == 1 - 0.75**3


def _debiased(case: Case) -> tuple[Steps, object]:
    chain, made = chain_of("debiased", case)
    return chain, made.dialect
