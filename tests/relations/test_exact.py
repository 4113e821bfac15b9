"""What specs compute of outputs, against exact rational arithmetic."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest

from bnconform.contract.case import Case
from bnconform.relations import exact


@pytest.fixture
def tensor() -> np.ndarray:
    """A float64 tensor far from zero, whose plain mean is off by several roundings."""
    return 1e6 + np.random.default_rng(0).standard_normal((257, 3, 4))


def _columns(tensor: np.ndarray) -> list[list[Fraction]]:
    return [[Fraction(value) for value in tensor[:, channel].ravel().tolist()] for channel in range(tensor.shape[1])]


def test_means_are_rounded_once(tensor: np.ndarray) -> None:
    for channel, values in enumerate(_columns(tensor)):
        assert exact.mean(tensor, 1)[channel] == float(sum(values) / len(values))


def test_means_of_squares_are_rounded_once(tensor: np.ndarray) -> None:
    for channel, values in enumerate(_columns(tensor)):
        assert exact.mean_square(tensor, 1)[channel] == float(sum(value * value for value in values) / len(values))


def test_an_affine_map_is_rounded_once(tensor: np.ndarray) -> None:
    gamma, beta = np.array([1.1, -0.3, 7.7]).reshape(1, 3, 1), np.array([-1.1e6, 3e5, 0.1]).reshape(1, 3, 1)
    found = exact.scaled(tensor, gamma, beta)
    for index in np.ndindex(tensor.shape):
        g, b = Fraction(float(gamma[0, index[1], 0])), Fraction(float(beta[0, index[1], 0]))
        assert found[index] == float(g * Fraction(float(tensor[index])) + b)


def test_the_share_of_the_variance_is_rounded_once(tensor: np.ndarray) -> None:
    none = dict.fromkeys(("gamma", "beta", "running_mean", "running_var"))
    case = Case(mode="train", x=tensor, eps=0.3, momentum=0.1, **none)
    for channel, values in enumerate(_columns(tensor)):
        mean = sum(values) / len(values)
        variance = sum((value - mean) ** 2 for value in values) / len(values)
        assert exact.share_of_variance(case)[channel] == float(variance / (variance + Fraction(0.3)))


def test_what_is_no_number_stays_in_its_channel() -> None:
    tensor = np.array([[np.inf, 1.0], [np.nan, 2.0]])
    assert not np.isfinite(exact.mean(tensor, 1)[0])
    assert exact.mean(tensor, 1)[1] == 1.5
