"""Probes of formulas: the place of ε, the correction of a variance, and the statistics that the momentum weighs.

Rules: rows are pairs around a mean, few and of few digits, so that mean and variance are exact in any order of
summation; the channels differ so much that no two formulas agree on all of them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple, TypeAlias

import numpy as np

from bnconform.analysis.fingerprint.bench import CHANNELS, FEW, Bench, NoAnswer, once, probe
from bnconform.analysis.fingerprint.inferred import Candidate, Fit, Inferred, decided, fitting
from bnconform.contract.case import Case

Placement: TypeAlias = Callable[[np.ndarray, float], np.ndarray]
INSIDE = "inside the root"
PLACEMENTS: dict[str, Placement] = {
    INSIDE: lambda v, eps: 1 / np.sqrt(v + eps),
    "outside the root": lambda v, eps: 1 / (np.sqrt(v) + eps),
    "its root outside the root": lambda v, eps: 1 / (np.sqrt(v) + np.sqrt(eps)),
    "inside the root and outside": lambda v, eps: 1 / (np.sqrt(v + eps) + eps),
    "a floor of the variance": lambda v, eps: 1 / np.sqrt(np.maximum(v, eps)),
    "missing": lambda v, eps: 1 / np.sqrt(v),
    "twice": lambda v, eps: 1 / np.sqrt(v + 2 * eps),
    "squared": lambda v, eps: 1 / np.sqrt(v + eps * eps),
    "subtracted": lambda v, eps: 1 / np.sqrt(v - eps),
}
UNBIASED = FEW / (FEW - 1)
CORRECTIONS = {
    "biased": 1.0,
    "unbiased": UNBIASED,
    "corrected twice": UNBIASED**2,
    "corrected upside down": 1 / UNBIASED,
}
NEW, OLD = "weighs the new", "weighs the old"
WEIGHTS: dict[str, Callable[[float], float]] = {
    NEW: lambda omega: omega,
    OLD: lambda omega: 1 - omega,
    "none: the new statistics replace the old": lambda omega: 1.0,
    "none: the old statistics are kept": lambda omega: 0.0,
    "applied twice": lambda omega: 1 - (1 - omega) ** 2,
}
ADDED = "none: the new are added to the whole of the old"
EPS, OMEGA = 0.25, 0.25
SPREADS = np.resize(2.0 ** np.array([-3, -2, 0, 1]), CHANNELS)
"""√v: below √ε and above it, and never √ε itself, where a floor of ε shows nothing."""
SIGNS = np.array([[1.0], [-1.0], [-1.0], [1.0]])
MEANS, OLD_MEANS = np.resize([3.0, -6.0, 0.5], CHANNELS), np.resize([-5.0, 2.0, 0.0, 8.0], CHANNELS)
OLD_VARIANCES = np.resize([0.0, 4.0], CHANNELS)


@once
def _centred(bench: Bench) -> Case:
    """Returns four values ±√v: around a mean of 0 the variance is exact in one pass, too."""
    return bench.pose(SIGNS * SPREADS, eps=EPS, var=OLD_VARIANCES, momentum=OMEGA)


@once
def training_formula(bench: Bench) -> Fit:
    """Returns the factor of x in training, among all placements of ε and all corrections of the variance."""
    return _multiplier(bench, bench.array(_centred(bench), "y")[0] / SPREADS, CORRECTIONS)


@once
def _inference(bench: Bench) -> Fit:
    case = bench.pose(SIGNS * SPREADS, "infer", eps=EPS, var=SPREADS**2)
    return _multiplier(bench, bench.array(case, "y")[0] / SPREADS, {"biased": 1.0})


def _multiplier(bench: Bench, actual: np.ndarray, corrections: Mapping[str, float]) -> Fit:
    variance = SPREADS**2
    with np.errstate(all="ignore"):
        values = {
            f"{place}; {correction}": formula(variance * factor, EPS)
            for place, formula in PLACEMENTS.items()
            for correction, factor in corrections.items()
        }
    found = fitting(actual, {name: Candidate(r, r) for name, r in values.items()}, bench.kinds, bench.dtype)
    return found if found.arithmetic in _own_or_wider(bench) else _of_another_epsilon(bench, actual, found)


def _own_or_wider(bench: Bench) -> tuple[str, ...]:
    return ("float64", bench.dtype) if bench.dtype == "float64" else ("float64", "float32", bench.dtype)


def _of_another_epsilon(bench: Bench, actual: np.ndarray, found: Fit) -> Fit:
    """Returns `found`, or a formula that explains more: ε inside the root, and as large as the least variance tells."""
    eps = float(actual[0] ** -2.0 - SPREADS[0] ** 2)
    if not eps > 0:
        return found
    right = PLACEMENTS[INSIDE](SPREADS**2, eps)
    name = f"{INSIDE}, {eps:.{3 if bench.facts.bits == 16 else 6}g} for {EPS:g}; biased"
    # Twice the scale: ε itself was read off a value that is as inexact as those that it is held against.
    other = fitting(actual, {name: Candidate(right, 2 * right)}, bench.kinds, bench.dtype)
    return other if other.arithmetic in _own_or_wider(bench) else found


def _part(fit: Fit, place: int) -> Inferred:
    """Returns one half of a joint answer, the placement of ε or the correction of the variance; each by its best."""
    if fit.inferred.value is None:
        return fit.inferred
    best: dict[str, float] = {}
    for name, ratio in fit.ratios.items():
        part = name.split("; ")[place]
        best[part] = min(ratio, best.get(part, np.inf))
    return decided(fit.inferred.value.split("; ")[place], best)


@probe("ε in training")
def epsilon(bench: Bench) -> Inferred:
    """Values ±√v give y/x = r(v, ε), each placement of ε another one."""
    return _part(training_formula(bench), 0)


@probe("ε in inference")
def epsilon_in_inference(bench: Bench) -> Inferred:
    """Running variances v give y/x = r(v, ε), each placement of ε another one."""
    return _part(_inference(bench), 0)


@probe("variance in y")
def variance_in_y(bench: Bench) -> Inferred:
    """Four values ±√v have a biased variance of v and an unbiased one of 4v/3."""
    return _part(training_formula(bench), 1)


class Moved(NamedTuple):
    """The measured effect of the momentum, and the weight that it gives to the new statistics."""

    inferred: Inferred
    weight: float


@once
def moved(bench: Bench) -> Moved:
    """Returns the effect of one step on a running mean of another value."""
    case = bench.pose(MEANS + SIGNS, mean=OLD_MEANS, var=1.0, momentum=OMEGA)
    actual, output = bench.array(case, "running_mean"), bench.kind(case, "running_mean")
    kinds = [kind for kind in bench.kinds if kind != "float16" or bench.dtype == kind]
    values = {name: _moved(OLD_MEANS, MEANS, weight(OMEGA)) for name, weight in WEIGHTS.items()}
    values[ADDED] = _moved(OLD_MEANS / (1 - OMEGA), MEANS, OMEGA)
    found = fitting(actual, values, kinds, output).inferred
    if found.value is not None:
        return Moved(found, WEIGHTS[found.value](OMEGA) if found.value in WEIGHTS else OMEGA)
    furthest = np.abs(MEANS - OLD_MEANS).argmax()
    weight = float(((actual - OLD_MEANS) / (MEANS - OLD_MEANS))[furthest])
    # Twice the scale: the weight itself was read off such a value.
    other = _moved(OLD_MEANS, MEANS, weight)._replace(scale=2 * (np.abs(OLD_MEANS) + np.abs(MEANS)))
    name = f"a weight of {weight:.4g} for {OMEGA:g}"
    wrong = fitting(actual, {name: other}, kinds, output).inferred
    return Moved(found if wrong.value is None else wrong, weight)


@probe("momentum")
def momentum(bench: Bench) -> Inferred:
    """One step from a running mean of another value moves it by the weight of the new mean."""
    return moved(bench).inferred


@probe("running variance")
def running_variance(bench: Bench) -> Inferred:
    """One step from a running variance of 0, or of 4, moves it to ω of the biased variance or of the unbiased one."""
    case, weight = _centred(bench), moved(bench).weight
    values = {name: _moved(OLD_VARIANCES, SPREADS**2 * factor, weight) for name, factor in CORRECTIONS.items()}
    actual = bench.array(case, "running_var")
    if not weight:
        raise NoAnswer("the running statistics do not move")
    return fitting(actual, values, bench.kinds, bench.kind(case, "running_var")).inferred


def _moved(old: np.ndarray, new: np.ndarray, weight: float) -> Candidate:
    return Candidate((1 - weight) * old + weight * new, (1 - weight) * np.abs(old) + weight * np.abs(new))
