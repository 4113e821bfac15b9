"""Faults are what their sentences say: each against the same mistake, written out in NumPy for one case."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from bnconform.analysis.faults import FAULTS, values
from bnconform.contract.case import Case

NAMED = {one.name: one for one in FAULTS}
N, C, H, W = 3, 2, 2, 5
M, EPS, NEW = N * H * W, 0.3, 0.4
DRAWN = np.random.default_rng(5)
X, DY = 1.0 + 2.0 * DRAWN.standard_normal((2, N, C, H, W))
GAMMA, BETA, RM, RV = np.array([[2.0, -3.0], [0.5, 1.0], [1.0, 2.5], [0.7, 4.0]])


def along(vector: np.ndarray) -> np.ndarray:
    return np.asarray(vector).reshape(1, C, 1, 1)


def case(mode: Any) -> Case:
    return Case(mode=mode, x=X, dy=DY, gamma=GAMMA, beta=BETA, running_mean=RM, running_var=RV, eps=EPS, momentum=NEW)


BATCH = (0, 2, 3)
MEAN, VAR = X.mean(BATCH), X.var(BATCH)
FIRST, SECOND = (X.transpose(0, 2, 3, 1).reshape(M, C)[part] for part in (slice(M // 2), slice(M // 2, None)))


def normalized(axes: tuple[int, ...]) -> np.ndarray:
    """Returns y by the statistics over these axes."""
    h = (X - X.mean(axes, keepdims=True)) / np.sqrt(X.var(axes, keepdims=True) + EPS)
    return np.asarray(h * along(GAMMA) + along(BETA))


def by_halves() -> np.ndarray:
    h = np.concatenate([(part - part.mean(0)) / np.sqrt(part.var(0) + EPS) for part in (FIRST, SECOND)])
    return np.asarray(h * GAMMA + BETA).reshape(N, H, W, C).transpose(0, 3, 1, 2)


def dx_of_parts(power: Callable[[np.ndarray], np.ndarray], factor: float = 1.0) -> np.ndarray:
    """Returns dx step by step, as Ioffe and Szegedy list it; power: what v + ε is raised to in dvar."""
    d, g = X - along(MEAN), DY * along(GAMMA)
    dvar = (g * d).sum(BATCH) * -0.5 * power(VAR)
    dmean = -(g / np.sqrt(along(VAR) + EPS)).sum(BATCH)
    return np.asarray(g / np.sqrt(along(VAR) + EPS) + along(dvar) * 2.0 * d / M * factor + along(dmean) / M)


def batch_dx() -> np.ndarray:
    return dx_of_parts(lambda v: (v + EPS) ** -1.5)


TRAINING: dict[str, dict[str, Callable[[], np.ndarray]]] = {
    "each_pixel_normalized_alone": {"y": lambda: normalized((0,))},
    "each_example_normalized_alone": {"y": lambda: normalized((2, 3))},
    "statistics_over_the_channels": {"y": lambda: normalized((1,))},
    "each_half_normalized_alone": {"y": by_halves},
    "variance_between_shards_missing": {
        "y": lambda: (
            (X - along(MEAN)) / np.sqrt(along((FIRST.var(0) + SECOND.var(0)) / 2) + EPS) * along(GAMMA) + along(BETA)
        )
    },
    "averages_of_half_the_batch": {
        "running_mean": lambda: 0.6 * RM + 0.4 * FIRST.mean(0),
        "running_var": lambda: 0.6 * RV + 0.4 * FIRST.var(0) * M / (M - 1),
    },
    "weight_subtracted_from_the_old_averages": {"running_mean": lambda: RM * 1 - 0.4 + MEAN * 0.4},
    "new_statistics_weighed_twice": {"running_mean": lambda: 0.6 * (RM + MEAN * 0.4)},
    "averages_moved_away": {"running_mean": lambda: RM - 0.4 * (MEAN - RM)},
    "averages_debiased_as_if_first": {"running_mean": lambda: (0.6 * RM + 0.4 * MEAN) / 0.4},
    "mean_square_alone_corrected": {
        "running_var": lambda: 0.6 * RV + 0.4 * ((X**2).mean(BATCH) * M / (M - 1) - MEAN**2)
    },
    "epsilon_subtracted_in_the_gradient_of_the_variance": {"dx": lambda: dx_of_parts(lambda v: (v - EPS) ** -1.5)},
    "epsilon_missing_in_the_gradient_of_the_variance": {"dx": lambda: dx_of_parts(lambda v: v**-1.5)},
    "first_power_of_the_root_in_the_gradient_of_the_variance": {"dx": lambda: dx_of_parts(lambda v: (v + EPS) ** -0.5)},
    "count_in_the_gradient_of_the_variance_without_parentheses": {
        "dx": lambda: dx_of_parts(lambda v: (v + EPS) ** -1.5, factor=(2 / N * H * W) / (2 / (N * H * W)))
    },
    "dgamma_summed_over_channels": {
        "dgamma": lambda: np.full(C, (DY * (normalized(BATCH) - along(BETA)) / along(GAMMA)).sum())
    },
    "training_taken_for_inference": {
        "y": lambda: (X - along(RM)) / np.sqrt(along(RV) + EPS) * along(GAMMA) + along(BETA),
        "running_var": lambda: RV,
    },
}
INFERENCE: dict[str, dict[str, Callable[[], np.ndarray]]] = {
    "nothing_normalized_in_inference": {
        "y": lambda: X * along(GAMMA) + along(BETA),
        "dx": lambda: DY * along(GAMMA),
        "dgamma": lambda: (DY * X).sum(BATCH),
    },
    "batch_statistics_in_inference": {"y": lambda: normalized(BATCH), "dx": batch_dx, "running_mean": lambda: RM},
    "batch_statistics_as_constants_in_inference": {
        "y": lambda: normalized(BATCH),
        "dx": lambda: DY * along(GAMMA) / np.sqrt(along(VAR) + EPS),
    },
    "batch_gradient_in_inference": {
        "y": lambda: (X - along(RM)) / np.sqrt(along(RV) + EPS) * along(GAMMA) + along(BETA),
        "dx": batch_dx,
    },
    "running_statistics_exchanged_in_inference": {
        "y": lambda: (X - along(RV)) / np.sqrt(along(RM) + EPS) * along(GAMMA) + along(BETA)
    },
    "inference_taken_for_training": {"y": lambda: normalized(BATCH), "running_mean": lambda: 0.6 * RM + 0.4 * MEAN},
}


@pytest.mark.parametrize(
    ("mode", "name"), [*(("train", name) for name in TRAINING), *(("infer", n) for n in INFERENCE)]
)
def test_a_fault_is_the_mistake_that_it_says(mode: str, name: str) -> None:
    found = values(NAMED[name], case(mode))
    for output, written in (TRAINING if mode == "train" else INFERENCE)[name].items():
        np.testing.assert_allclose(found[output], written(), rtol=1e-12, err_msg=output)


@pytest.mark.parametrize(
    ("name", "step"), [("parameters_rounded_to_bfloat16", 2.0**-8), ("parameters_rounded_to_float16", 2.0**-11)]
)
def test_parameters_are_rounded_to_the_bits_of_the_type(name: str, step: float) -> None:
    assert NAMED[name].prepare is not None
    posed = Case(**{**vars(case("train")), "gamma": np.array([1.0 + 0.9 * step, 1.0 + 2.1 * step])})
    assert NAMED[name].prepare(posed).gamma.tolist() == [1.0, 1.0 + 2.0 * step]
