"""The distributions of a batch's noise are the exact ones, no draw is blamed by chance or for the rounding of its data,
and what is wrong is told from chance."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import mpmath
import numpy as np
import pytest
from worlds.drawing import DTYPES

from bnconform import Dialect
from bnconform.cases import populations
from bnconform.oracle import reference
from bnconform.oracle.bounds.formats import arithmetic
from bnconform.relations import noise
from bnconform.relations.noise import Distribution, Interval

PLAIN = Dialect()
SIZES = (*populations.COUNTS, 5, 9)


@pytest.mark.parametrize("degrees", [2, 4, 16, 64])
def test_chi_squared_is_the_incomplete_gamma_function(degrees: int) -> None:
    x = np.array([0.0, 1e-9, 0.3, 2.0, 17.0, 64.0, 150.0, 1e4])
    exact = [float(mpmath.gammainc(degrees / 2, 0, one / 2, regularized=True)) for one in x]
    assert noise.chi_squared(degrees)(x) == pytest.approx(exact, abs=1e-14)
    assert noise.chi_squared(degrees)(np.array([np.inf])) == 1
    with pytest.raises(ValueError, match="degrees of freedom are 3; expected an even number"):
        noise.chi_squared(3)


def test_normal_is_the_normal_distribution() -> None:
    z = np.array([-40.0, -3.0, -1e-9, 0.0, 0.5, 8.0, np.inf])
    assert noise.normal(z) == pytest.approx([float(mpmath.ncdf(one)) for one in z[:-1]] + [1.0], rel=1e-13)


@pytest.mark.parametrize("m", [3, 4, 5, 17, 65])
def test_the_output_of_the_mean_follows_students_distribution(m: int) -> None:
    h = np.sqrt(m - 1) * np.array([-2.0, -1.0, -0.7, -0.01, 0.0, 0.3, 0.999, 1.0, 5.0])

    def student(h: float) -> float:
        if h * h >= m - 1:
            return float(h > 0)
        t = mpmath.mpf(h) * mpmath.sqrt(m * (m - 2) / (m - 1 - mpmath.mpf(h) ** 2))
        tail = mpmath.betainc((m - 2) / 2, 0.5, 0, (m - 2) / (m - 2 + t * t), regularized=True) / 2
        return float(1 - tail if t > 0 else tail)

    assert noise.output_of_the_mean(m)(h) == pytest.approx([student(one) for one in h], abs=1e-12)


def judged(found: Interval, exact: Distribution, seed: int = 0) -> float:
    return noise.distributed(
        found, exact, output="y", quantity="draws", case=populations.gaussian("float64", 2, seed=seed)
    ).ratio


def known(value: np.ndarray) -> Interval:
    return Interval(value, value, value)


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize("m", [3, 17, 65])
def test_statistics_of_numpys_own_draws_follow_the_distributions(m: int, seed: int) -> None:
    z = np.random.default_rng(seed).standard_normal((m, 4096))
    assert judged(known(z.mean(axis=0) * np.sqrt(m)), noise.normal) < 0.6
    assert judged(known(z.var(axis=0) * m), noise.chi_squared(m - 1)) < 0.6
    z[0] = 0.0
    assert judged(known((z[0] - z.mean(axis=0)) / z.std(axis=0)), noise.output_of_the_mean(m)) < 0.6


def test_the_radius_is_attained_by_draws_that_are_off_by_as_much() -> None:
    n = 4096
    shares = (np.arange(n) + 0.5) / n
    moved = shares + noise.radius(n) + 0.5 / n
    assert judged(known(moved[moved < 1]), lambda x: x) > 0.9
    assert judged(known(moved), lambda x: x) == pytest.approx(1, rel=1e-12)
    assert judged(known(shares + 1.01 * (moved - shares)), lambda x: x) == pytest.approx(1.01, rel=1e-12)


def test_what_is_no_number_is_no_draw() -> None:
    draws = np.random.default_rng(0).random(4096)
    draws[7] = np.nan
    assert judged(known(draws), _uniform) == np.inf


def test_chance_blames_nobody_once_in_a_trillion() -> None:
    n = 4096
    assert 2 * np.exp(-2 * n * noise.radius(n) ** 2) == pytest.approx(1e-12)


@pytest.mark.parametrize("seed", range(20))
def test_no_value_inside_its_interval_is_blamed_more_than_the_draw_itself(seed: int) -> None:
    rng = np.random.default_rng(seed)
    draws, width = rng.random(500), 10.0 ** rng.uniform(-4, -0.5, 500)
    off = draws + width * rng.uniform(-1, 1, 500)
    exact = noise.distributed(
        known(draws), _uniform, output="y", quantity="", case=populations.gaussian("float64", 2, seed=0)
    )
    moved = noise.distributed(
        Interval(off, off - width, off + width),
        _uniform,
        output="y",
        quantity="",
        case=populations.gaussian("float64", 2, seed=0),
    )
    assert exact.ratio <= 1
    assert moved.ratio <= 1
    adverse = noise.distributed(
        Interval(draws + width, draws, draws + 2 * width), _uniform, output="y", quantity="",
        case=populations.gaussian("float64", 2, seed=0),
    )  # fmt: skip
    assert adverse.ratio <= 1


def _uniform(x: np.ndarray) -> np.ndarray:
    return np.clip(x, 0.0, 1.0)


def unrounded(dtype: str, seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Returns X before it was rounded, with μ and σ, as bnconform.batches draws them."""
    case, rng = populations.gaussian(dtype, 2, seed=seed), np.random.default_rng(seed)
    rng.standard_normal(populations.CHANNELS), rng.uniform(0.5, 1.5, populations.CHANNELS)
    mean, variance = (array.astype(np.longdouble) for array in noise.population(case))
    return mean + np.sqrt(variance) * rng.standard_normal(case.x.shape), mean, np.sqrt(variance)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("m", SIZES)
def test_the_draws_before_their_rounding_lie_in_the_intervals(m: int, dtype: str) -> None:
    case = noise.of_size(populations.gaussian(dtype, 2, seed=5), m)
    x, mean, spread = unrounded(dtype, 5)
    x = x[:m]
    off = np.abs(x - case.x.astype(np.longdouble))
    assert np.all(off <= 4 * arithmetic(dtype).u * (np.abs(x) + np.abs(mean)))
    standard = noise.standard_mean(case, PLAIN, reference.running_mean(case))
    inside((x.mean(axis=0) - mean) * np.sqrt(m) / spread, standard)
    squares = noise.standard_squares(case, PLAIN, reference.running_var(case))
    inside(((x - x.mean(axis=0)) ** 2).sum(axis=0) / spread**2, squares)
    biased = Dialect(running_var="biased")
    squares = noise.standard_squares(case, biased, reference.running_var(case, correction=0))
    inside(((x - x.mean(axis=0)) ** 2).sum(axis=0) / spread**2, squares)
    case, x[0] = noise.with_the_mean_in_front(case), mean
    inside((x[0] - x.mean(axis=0)) / x.std(axis=0), noise.first_output(case, PLAIN, reference.y(case)))


def inside(exact: np.ndarray, found: Interval) -> None:
    assert np.all((found.low <= exact) & (exact <= found.high))
    assert np.all((found.low <= found.value) & (found.value <= found.high))


@pytest.mark.parametrize("m", populations.COUNTS)
def test_the_intervals_are_narrow_where_sums_are_wide(m: int) -> None:
    case = noise.of_size(populations.gaussian("float32", 2, seed=1), m)
    found = noise.standard_mean(case, PLAIN, reference.running_mean(case))
    assert np.max(found.high - found.low) < 0.01 * noise.radius(populations.CHANNELS)


def test_few_channels_are_not_enough_and_a_few_hundreds_are() -> None:
    case = populations.gaussian("float64", 2, seed=0)
    assert noise.enough(case)
    assert not noise.enough(replace(case, x=case.x[:, :9], **{name: getattr(case, name)[:9] for name in
                                    ("gamma", "beta", "running_mean", "running_var")}))  # fmt: skip


WRONG: dict[str, tuple[Callable[[np.ndarray], np.ndarray], Callable[[int], Distribution]]] = {
    "biased variance": (lambda x: x.var(axis=0) * (len(x) - 1), lambda m: noise.chi_squared(m - 1)),
    "variance of half the batch": (lambda x: x[: len(x) // 2].var(axis=0) * len(x), lambda m: noise.chi_squared(m - 1)),
    "mean of half the batch": (lambda x: x[: len(x) // 2].mean(axis=0) * np.sqrt(len(x)), lambda _: noise.normal),
    "mean by too large a count": (
        lambda x: ((x + 1).sum(axis=0) / (len(x) + 1) - 1) * np.sqrt(len(x)), lambda _: noise.normal
    ),
}  # fmt: skip


@pytest.mark.parametrize("wrong", WRONG)
def test_what_is_wrong_is_told_from_chance_in_batches_of_five(wrong: str) -> None:
    statistic, distribution = WRONG[wrong]
    x = np.random.default_rng(3).standard_normal((5, populations.CHANNELS))
    assert judged(known(statistic(x)), distribution(5)) > 1.2
