"""Cases that are many problems each: drawn in the types, ranks and settings that an implementation takes."""

from __future__ import annotations

import numpy as np
import pytest
from worlds.drawing import DTYPES, draw, printed

from bnconform import Case
from bnconform.cases import populations
from bnconform.cases.strategies import SETTINGS, Traits, cases
from bnconform.cli.session.run_record import given_words
from bnconform.contract.axes import to_rows

INPUTS = cases(mode="train", channels="inputs", examples=3)
GAUSSIAN = cases(mode="train", channels="gaussian", gradients=False, examples=2)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(("ranks", "middle"), [((2, 4), ()), ((4, 5), (1, 1))])
def test_shapes_and_types_are_those_of_the_implementation(
    ranks: tuple[int, ...], middle: tuple[int, ...], dtype: str
) -> None:
    for given, shape in ((INPUTS, (12, *middle, 5)), (GAUSSIAN, (65, *middle, 4096))):
        for case in draw(given.strategy(Traits(dtype, ranks=ranks, compiled=True)), 3):
            assert (case.x.shape, case.dtype, case.axis, case.shuffled) == (shape, dtype, -1, True)
            assert np.all(np.isfinite(case.x.astype(np.float64)))


def test_networks_have_all_settings_and_short_ones_where_float32_holds_them() -> None:
    drawn = draw(INPUTS.strategy(Traits("float32")), 120)
    assert {(case.eps, case.momentum) for case in drawn} == set(SETTINGS)
    short = draw(INPUTS.strategy(Traits("float64", short_settings=True)), 20)
    assert all(float(np.float32(number)) == number for case in short for number in (case.eps, case.momentum))


@pytest.mark.parametrize("dtype", DTYPES)
def test_a_gaussian_case_carries_the_statistics_that_it_was_drawn_with(dtype: str) -> None:
    case = populations.gaussian(dtype, 2, seed=1)
    assert case.running_mean is not None
    assert case.running_var is not None
    mean, variance = case.running_mean.astype(np.float64), case.running_var.astype(np.float64)
    z = (to_rows(case.x, -1).astype(np.float64) - mean) / np.sqrt(variance)
    # 65·4096 draws: their mean and variance are off by five standard errors once in a million.
    assert abs(z.mean()) < 5 / np.sqrt(z.size)
    assert abs(z.var() - 1) < 5 * np.sqrt(2 / z.size)
    assert (case.momentum, float(np.float32(case.eps))) == (1.0, case.eps)
    assert np.all(mean > 0)


def test_the_same_seed_gives_the_same_case() -> None:
    def inputs() -> Case:
        return populations.inputs("float32", 2, settings=(0.3, 0.1), seed=3)

    def gaussian() -> Case:
        return populations.gaussian("float32", 2, seed=3)

    for make in (inputs, gaussian):
        assert printed(make()) == printed(make())


def test_how_many_examples_are_enough_does_not_change_what_is_drawn() -> None:
    assert repr(INPUTS) == repr(cases(mode="train", channels="inputs"))
    assert cases(mode="train", channels="inputs") != INPUTS


def test_words_say_what_they_are() -> None:
    assert "each step of a network that begins with the drawn inputs" in given_words(INPUTS)
    assert "thousands of Gaussian channels" in given_words(GAUSSIAN)
    assert "examples: 2" in given_words(GAUSSIAN)
