"""Every channel is in a regime of its own, and the regimes are really what they are called."""

from __future__ import annotations

import numpy as np
import pytest
from worlds.drawing import DTYPES

from bnconform.cases.regimes import CONSTANT, REGIMES, Channels, Regime, draw_channels
from bnconform.contract.dtypes import dtype_named

BY_NAME = {regime.name: regime for regime in REGIMES}
EPSILONS = (1e-5, 1e-3, 0.02, 0.3)


def drawn(*regimes: Regime, rows: int = 4000, eps: float = 1e-3, dtype: str = "float64", seed: int = 0) -> Channels:
    return draw_channels(np.random.default_rng(seed), regimes, rows, eps, dtype)


def wide(channels: Channels) -> np.ndarray:
    return channels.x.astype(np.float64)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("rows", [2, 3, 33, 500])
def test_all_values_are_finite_in_their_dtype(dtype: str, rows: int) -> None:
    for seed in range(20):
        for eps in EPSILONS:
            channels = drawn(*REGIMES, *CONSTANT, rows=rows, eps=eps, dtype=dtype, seed=seed)
            assert channels.x.dtype == dtype_named(dtype)
            assert channels.x.shape == (rows, len(REGIMES) + len(CONSTANT))
            assert np.isfinite(wide(channels)).all()


def test_the_same_generator_gives_the_same_values() -> None:
    first, again, other = (drawn(*REGIMES, rows=7, seed=seed).x.tobytes() for seed in (3, 3, 4))
    assert first == again
    assert first != other


@pytest.mark.parametrize("eps", EPSILONS)
@pytest.mark.parametrize(
    ("name", "ratio"), [("variance a tenth of eps", 0.1), ("variance equal to eps", 1), ("variance ten times eps", 10)]
)
def test_variances_stand_to_eps_as_their_regime_says(name: str, ratio: float, eps: float) -> None:
    variances = wide(drawn(*[BY_NAME[name]] * 100, rows=500, eps=eps)).var(axis=0)
    typical = np.exp(np.log(variances / eps).mean())  # single channels lie up to a factor of about four from it
    assert typical == pytest.approx(ratio, rel=0.2)
    assert np.all((variances / eps > ratio / 5) & (variances / eps < ratio * 5))


@pytest.mark.parametrize("offset", [3, 10, 100, 1000, 10000])
def test_means_stand_as_many_deviations_from_zero_as_their_regime_says(offset: int) -> None:
    x = wide(drawn(*[BY_NAME[f"offset {offset}"]] * 8))
    assert np.abs(x.mean(axis=0)) / x.std(axis=0) == pytest.approx(np.full(8, offset), rel=0.05)
    assert {-1.0, 1.0} == set(np.sign(x.mean(axis=0)))


def test_a_regime_of_an_offset_is_there_in_single_precision_too() -> None:
    x = wide(drawn(BY_NAME["offset 10000"], dtype="float32"))
    assert abs(x.mean()) / x.std() == pytest.approx(1e4, rel=0.05)


@pytest.mark.parametrize("name", [one.name for one in REGIMES if one.kind == "normal"])
def test_normal_channels_have_the_spread_and_the_centre_that_are_reported(name: str) -> None:
    channels = drawn(*[BY_NAME[name]] * 4)
    assert wide(channels).std(axis=0) == pytest.approx(channels.spread, rel=0.05)
    assert np.all(np.abs(wide(channels).mean(axis=0) - channels.centre) < 0.08 * channels.spread)


def test_heavy_tails_are_heavier_than_a_normal_distributions() -> None:
    x = wide(drawn(BY_NAME["heavy tails"], BY_NAME["ordinary"]))
    z = (x - x.mean(axis=0)) / x.std(axis=0)
    assert (z**4).mean(axis=0)[0] > 6
    assert (z**4).mean(axis=0)[1] == pytest.approx(3, abs=0.5)


def test_one_outlier_carries_the_variance() -> None:
    x = wide(drawn(*[BY_NAME["one outlier"]] * 20, rows=50))
    squares = np.sort((x - np.median(x, axis=0)) ** 2, axis=0)
    assert np.all(squares[-1] > 100 * squares[:-1].sum(axis=0) / 50)


def test_rectified_channels_hold_exact_zeros_and_nothing_of_the_other_sign() -> None:
    x = wide(drawn(*[BY_NAME["rectified"]] * 4))
    assert np.all((x == 0).mean(axis=0) > 0.4)
    assert x.min() == 0.0
    assert x.max() > 1.0


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("rows", [2, 3, 8, 33])
def test_integer_pairs_have_an_exact_mean_and_variance(dtype: str, rows: int) -> None:
    channels = drawn(*[BY_NAME["integer pairs"]] * 40, rows=rows, dtype=dtype)
    x = wide(channels)
    assert np.array_equal(x, np.rint(x))
    assert np.array_equal(x.sum(axis=0), rows * channels.centre)
    assert np.all(((x - channels.centre) ** 2).sum(axis=0) >= 1)


def places(hits: np.ndarray) -> np.ndarray:
    """How far the number of hits in each row lies from an equal share, in standard deviations."""
    rows, share = len(hits), hits.sum() / len(hits)
    return np.abs(hits.sum(axis=1) - share) / np.sqrt(share * (1 - 1 / rows))


def test_the_unpaired_value_stands_in_any_row_alike() -> None:
    channels = drawn(*[BY_NAME["integer pairs"]] * 4000, rows=5)
    assert np.all(places(channels.x == channels.centre) < 4)


def test_the_partner_of_a_value_stands_in_any_row_alike() -> None:
    channels = drawn(*[BY_NAME["integer pairs"]] * 4000, rows=4)
    d = channels.x - channels.centre
    sizes = np.sort(np.abs(d), axis=0)
    distinct = d[:, sizes[0] != sizes[-1]]  # two different pairs: the partner of a value is known
    assert np.all(places(distinct[1:] == -distinct[0]) < 4)


def test_the_outlier_stands_in_any_row_alike() -> None:
    x = wide(drawn(*[BY_NAME["one outlier"]] * 4000, rows=6))
    assert np.all(places(np.abs(x - np.median(x, axis=0)).argmax(axis=0) == np.arange(6)[:, None]) < 4)


@pytest.mark.parametrize("dtype", DTYPES)
def test_constant_channels_hold_one_value_each_among_them_zero_and_a_large_one(dtype: str) -> None:
    x = wide(drawn(*CONSTANT, rows=9, dtype=dtype))
    assert np.array_equal(x, np.broadcast_to(x[0], x.shape))
    assert np.count_nonzero(x[0] == 0.0) == 1
    assert np.abs(x[0]).max() > 1000
