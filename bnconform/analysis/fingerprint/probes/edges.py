"""Probes of the edges: subnormal numbers, ε and momentum in few digits, one value per channel, and none.

Rules: each outcome is reported as it is; a value is expected only where every formula and every order gives it.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from bnconform.analysis.fingerprint.bench import (
    CHANNELS,
    ELEMENTWISE,
    NO_EPS,
    SEVERAL,
    Bench,
    NoAnswer,
    NotAsked,
    probe,
)
from bnconform.analysis.fingerprint.inferred import Candidate, Inferred, fitting, seen, undecided, worst_ratio
from bnconform.analysis.fingerprint.probes.formulas import PLACEMENTS, SIGNS, WEIGHTS
from bnconform.contract.case import Case
from bnconform.contract.outcome import Outcome
from bnconform.contract.reply import Raised, in_words


@probe("subnormal results")
def subnormal_results(bench: Bench) -> Inferred:
    """A quarter times the smallest normal number, as γ, is subnormal: kept or zero."""
    smallest = bench.facts.normal
    return _subnormal(bench, 0.25, gamma=smallest, var=1.0, expected=smallest / 4)


@probe("subnormal inputs")
def subnormal_inputs(bench: Bench) -> Inferred:
    """A sixteenth of the smallest normal number, times r = 64, is normal again: kept or zero."""
    smallest = bench.facts.normal
    return _subnormal(bench, smallest / 16, gamma=1.0, var=2.0**-12, expected=4 * smallest)


def _subnormal(bench: Bench, x: float, *, gamma: float, var: float, expected: float) -> Inferred:
    case = bench.pose(np.full((SEVERAL, CHANNELS), x), "infer", gamma=gamma, var=var, eps=NO_EPS)
    y = bench.array(case, "y")
    if not y.any():
        return seen("flushed to zero")
    ratio = worst_ratio(y - expected, expected / 2)  # the candidates are all of it and nothing
    return seen("kept") if ratio <= 1 else undecided(f"y is {y.flat[0]:g} for {expected:g}")


@probe("ε and momentum kept in")
def attributes(bench: Bench) -> Inferred:
    """For float64 data ε = 1e-3 and a momentum of 0.1 are themselves or their float32 values."""
    if bench.dtype != "float64":
        raise NotAsked("asked of float64 data only")
    if (bench.value(ELEMENTWISE) or "float64") != "float64":
        raise NoAnswer("the arithmetic itself holds no float64")
    found = {"ε": _of_epsilon(bench), "momentum": _of_momentum(bench)}
    known = {name: one for name, one in found.items() if one is not None and one.value is not None}
    if not known:
        raise NoAnswer("neither is explained by a known formula")
    detail = ", ".join(f"{name} in {one.value}" for name, one in known.items())
    return replace(
        next((one for one in known.values() if one.value != "float64"), next(iter(known.values()))), detail=detail
    )


def _short(number: float) -> dict[str, float]:
    return {"float64": number, "float32": float(np.float32(number))}


def _of_epsilon(bench: Bench) -> Inferred | None:
    place = PLACEMENTS.get(bench.value("ε in training") or "")
    if place is None:
        return None
    spread = np.full(CHANNELS, 2.0**-5)
    y = bench.array(bench.pose(SIGNS * spread, eps=1e-3), "y")[0]
    with np.errstate(invalid="ignore", divide="ignore"):
        values = {name: place(spread**2, eps) * spread for name, eps in _short(1e-3).items()}
    return fitting(y, {name: Candidate(one, one) for name, one in values.items()}, ("float64",), "float64").inferred


def _of_momentum(bench: Bench) -> Inferred | None:
    rule = WEIGHTS.get(bench.value("momentum") or "")
    if rule is None:
        return None
    case = bench.pose(1 + SIGNS + np.zeros(CHANNELS), momentum=0.1)
    values = {name: np.full(CHANNELS, rule(omega)) for name, omega in _short(0.1).items()}
    if values["float64"][0] == values["float32"][0]:
        return None
    actual = bench.array(case, "running_mean")
    return fitting(
        actual, {name: Candidate(one, one) for name, one in values.items()}, ("float64",), "float64"
    ).inferred


@probe("single value")
def single_value(bench: Bench) -> Inferred:
    """A batch of one value per channel in training: an error, or y = β."""
    x = np.resize([3.0, -0.5], CHANNELS)[None]
    beta = np.resize([0.75, -2.0], CHANNELS)
    case = bench.pose(x, beta=beta, mean=1.0, var=2.0, eps=0.25)
    reply = bench.reply(case)
    if isinstance(reply, Raised):
        return seen("raises", in_words(reply))
    y = bench.array(case, "y")[0]
    # 4u of 2x as well, r being 2: for the folded form x·a + (β - μ·a).
    ratio = worst_ratio(y - beta, 2 * bench.facts.u * np.abs(beta) + 4 * bench.facts.u * np.abs(2 * x[0]))
    about = _kept(bench, case)
    if ratio <= 1:
        return Inferred(value="zero", ratio=ratio, detail=about)
    return seen("NaN" if np.isnan(y).all() else "something else", f"y is {y[0]:g} for β = {beta[0]:g}; {about}")


@probe("empty batch")
def empty_batch(bench: Bench) -> Inferred:
    """A batch without examples in training: an error, or what becomes of the running statistics."""
    case = bench.pose(np.zeros((0, CHANNELS)), mean=1.0, var=2.0)
    reply = bench.reply(case)
    if isinstance(reply, Raised):
        return seen("raises", in_words(reply))
    if not isinstance(reply, Outcome):
        raise NoAnswer(in_words(reply))
    return seen(_kept(bench, case))


def _kept(bench: Bench, case: Case) -> str:
    """Returns in words the fate of the running statistics."""
    found = bench.outcome(case)
    if found.running_mean is None or found.running_var is None:
        return "no running statistics"
    return "; ".join(
        f"{name} {_told(now.astype(np.float64), np.asarray(before, np.float64))}"
        for name, now, before in (
            ("running mean", found.running_mean, case.running_mean),
            ("running variance", found.running_var, case.running_var),
        )
    )


def _told(now: np.ndarray, before: np.ndarray) -> str:
    if not np.isfinite(now).all():
        return "NaN" if np.isnan(now).any() else "infinite"
    return "kept" if (now == before).all() else f"becomes {now[0]:g}"
