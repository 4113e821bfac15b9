"""Probes of the types that an implementation computes in: its sums, its stored statistics, its elementwise arithmetic.

Rules: a sum of a pair ±2^a and small values loses the small ones in a type of few bits, whatever the order, for some
place of the pair; each type is told from the next wider one alone, by the bound of sums in that one.
"""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple

import numpy as np

from bnconform.analysis.fingerprint import reading
from bnconform.analysis.fingerprint.bench import (
    CHANNELS,
    ELEMENTWISE,
    NO_EPS,
    SEVERAL,
    Bench,
    NoAnswer,
    NotAsked,
    once,
    probe,
)
from bnconform.analysis.fingerprint.exact_rows import PLACES, RUNGS, Rung, ladder, rung_of
from bnconform.analysis.fingerprint.inferred import ROUNDINGS, Inferred, seen, undecided, worst_ratio
from bnconform.analysis.fingerprint.probes.formulas import training_formula
from bnconform.oracle.bounds.formats import arithmetic

WIDER = {"bfloat16": "float32", "float16": "float32", "float32": "float64", "float64": "wider than float64"}
TYPES = ("bfloat16", "float16", "float32", "float64", "wider than float64")
"""What a sum can be found to be computed in, from narrow to wide."""
STATISTICS, COTANGENTS, KEPT = "statistics summed in", "cotangents summed in", "statistics kept in"
MARGIN = SEVERAL + 8
"""A sum of m values in arithmetic of u is off by at most γ_(m+8)·Σ|t|, in any order and in one with few more steps."""


class Sums(NamedTuple):
    """Sums of the ladder's channels, and what reading them costs."""

    totals: np.ndarray
    error: np.ndarray
    how: str


def unit(kind: str) -> float:
    """Returns the unit roundoff of a type of TYPES; 0 for the widest, whose sums are as good as exact."""
    return 0.0 if kind == TYPES[-1] else arithmetic(kind).u


def worst(u: float, count: float = MARGIN) -> float:
    """Returns γ_count = count·u/(1 - count·u), infinite where that is no bound."""
    return count * u / (1 - count * u) if count * u < 0.5 else np.inf


@once
def _means(bench: Bench) -> Sums:
    """Returns the sums of the ladder, read off means."""
    found = reading.read(bench, ladder(bench.dtype))
    # 2: the mean's division by m, also as a product with 1/m.
    error = found.mean_error + 2 * arithmetic(found.kind).u * np.abs(found.mean)
    return Sums(SEVERAL * found.mean, SEVERAL * error, found.how)


@once
def _cotangents(bench: Bench) -> Sums:
    """Returns the sums of the ladder, as the gradient of β."""
    rows = ladder(bench.dtype)
    case = bench.pose(np.resize([-1.0, 1.0], rows.shape[0])[:, None] + np.zeros_like(rows), dy=rows)
    totals = bench.array(case, "dbeta")
    return Sums(totals, 2 * arithmetic(bench.kind(case, "dbeta")).u * np.abs(totals), "dbeta")


class Loss(NamedTuple):
    """The loss of one rung. ratio, wider: the errors over the bounds of the type that loses, and of the next wider one.
    power: one lost value over the latter, in the place where it shows best. spread: the difference of the loss between
    places of the pair, in values.
    """

    ratio: float
    wider: float
    power: float
    spread: float


def _loss(bench: Bench, rung: Rung, sums: Sums) -> Loss:
    chosen = np.array([rung_of(bench.dtype, channel) == rung for channel in range(CHANNELS)])
    small = 2.0**rung.small
    exact, terms = (SEVERAL - 2) * small, 2 * 2.0**rung.large + (SEVERAL - 2) * small
    errors = np.abs(sums.totals[chosen] - exact)
    bound = {kind: worst(unit(kind)) * terms + sums.error[chosen] for kind in (rung.loses, WIDER[rung.loses])}
    wider = bound[WIDER[rung.loses]]
    return Loss(
        ratio=worst_ratio(errors, bound[rung.loses]),
        wider=worst_ratio(errors, wider),
        power=small / max(float(wider.min()), 5e-324),
        spread=float(np.ptp(errors)) / small,
    )


def _narrowest(bench: Bench, sums: Sums) -> Inferred:
    """Returns the type whose rung is the first to lose something."""
    reached = undecided(f"{sums.how} does not show sums")
    for rung in RUNGS[bench.dtype]:
        found, wider = _loss(bench, rung, sums), WIDER[rung.loses]
        if not found.power > 1 or not np.isfinite(found.spread):
            return replace(reached, detail=reached.detail or f"or wider: {sums.how} does not show more")
        if found.wider <= 1:
            reached = Inferred(value=wider, ratio=found.wider, following=rung.loses, following_ratio=found.power)
        # A sum in too few bits loses another number of values in another place; a wrong formula the same everywhere.
        elif found.ratio > 1 or found.spread < 0.5:
            return undecided(f"{sums.how}: not a sum in any type")
        else:
            return Inferred(value=rung.loses, ratio=found.ratio, following=wider, following_ratio=found.wider)
    return replace(reached, detail="or wider") if reached.value == "float64" else reached


@probe(STATISTICS)
def statistics(bench: Bench) -> Inferred:
    """Pairs ±2^a among small values have the mean of the small ones, if the sum is of a type that holds both."""
    return _narrowest(bench, _means(bench))


@probe(COTANGENTS)
def cotangents(bench: Bench) -> Inferred:
    """Cotangents ±2^a among small ones have the sum of the small ones, if it is of a type that holds both."""
    return _narrowest(bench, _cotangents(bench))


@probe("order of the sums")
def order(bench: Bench) -> Inferred:
    """A serial sum loses exactly the small values that it meets before the pair cancels."""
    kind, sums = bench.value(STATISTICS), _means(bench)
    rungs = [rung for rung in RUNGS[bench.dtype] if rung.loses == kind]
    if not rungs:
        raise NoAnswer("nothing is lost in these sums")
    chosen = [channel for channel in range(CHANNELS) if rung_of(bench.dtype, channel) == rungs[0]]
    lost = (SEVERAL - 2) - sums.totals[chosen] / 2.0 ** rungs[0].small
    first, last = np.array([PLACES[channel % len(PLACES)] for channel in chosen]).T
    if not (sums.error[chosen] < 2.0 ** rungs[0].small / 2).all():
        raise NoAnswer(f"{sums.how} does not show how many values are lost")
    # Half a value: a whole one is lost or kept, and what the mean rounds is less.
    for value, expected in (("first to last", last - 1), ("last to first", SEVERAL - 2 - first)):
        if (np.abs(lost - expected) < 0.5).all():
            return seen(value)
    whole = np.abs(lost - np.rint(lost)) < 0.25
    return seen("in parts") if whole.all() else undecided("what is lost is no whole number of values")


@probe(KEPT)
def kept(bench: Bench) -> Inferred:
    """Half of the values 1 and half one unit in the last place above it: no type of theirs holds the mean."""
    if bench.facts.bits > 16:
        raise NotAsked("asked of 16-bit data only")
    step = 2 * bench.facts.u
    rows = np.where(np.arange(SEVERAL)[:, None] % 2, 1.0, 1.0 + step) + np.zeros(CHANNELS)
    found = reading.read(bench, rows)
    hidden = found.kind == bench.dtype
    mean = reading.solved(bench, rows).mean if hidden else found.mean
    # An eighth of the step: y is solved for a deviation of half a step or none, with an error of 2·20u of it at most.
    reading_error = step / 8 if hidden else found.mean_error
    wide = worst_ratio(mean - (1 + step / 2), worst(unit("float32")) + reading_error)
    narrow = worst_ratio(np.minimum(np.abs(mean - 1), np.abs(mean - 1 - step)), step / 8)
    if wide <= 1 < narrow:
        return Inferred(value="float32", ratio=wide, following=bench.dtype, following_ratio=narrow)
    if narrow <= 1 < wide:
        return Inferred(value=bench.dtype, ratio=narrow, following="float32", following_ratio=wide)
    return undecided(f"the mean is neither rounded to {bench.dtype} nor kept")


@probe(ELEMENTWISE)
def elementwise(bench: Bench) -> Inferred:
    """A product of two values and its own rounded value taken off: what is left was not rounded to 16 bits."""
    if bench.facts.bits > 16:
        return _of_formulas(bench)
    step = 2 * bench.facts.u
    factor = 1 + step * np.floor(np.sqrt(0.4 / step)) + np.zeros(CHANNELS)
    case = bench.pose(factor + np.zeros((SEVERAL, 1)), "infer", gamma=factor, beta=1 - 2 * factor, var=1.0, eps=NO_EPS)
    left, exact = bench.array(case, "y")[0], (factor - 1) ** 2  # 0.4 steps, where 16 bits leave whole or half ones
    wide = worst_ratio(left - exact, bench.facts.u * exact + ROUNDINGS * unit("float32"))
    near = np.clip(np.rint(2 * left / step), -8, 8) * step / 2  # up to four units in the last place of the product
    narrow = worst_ratio(left - near, ROUNDINGS * unit("float32"))
    if wide <= 1 < narrow:
        return Inferred(value="float32", ratio=wide, following=bench.dtype, following_ratio=narrow)
    if narrow <= 1 < wide:
        return Inferred(value=bench.dtype, ratio=narrow, following="float32", following_ratio=wide)
    return undecided("a product is neither rounded nor kept")


def _of_formulas(bench: Bench) -> Inferred:
    found = training_formula(bench)
    if not found.arithmetic:
        return undecided("no known formula explains y")
    other = found.arithmetic in TYPES[: TYPES.index(bench.dtype)]
    if bench.dtype == "float32" and found.arithmetic == "float64":  # y is as if it had been rounded once
        other = _keeps_small_beside_large(bench)
    return Inferred(value=found.arithmetic if other else bench.dtype, ratio=found.inferred.ratio)


def _keeps_small_beside_large(bench: Bench) -> bool:
    """Returns whether inference keeps what float32 loses beside 2^24, where x - μ does and where β - μ·a does.

    A fused product and sum rounds either of the two as well. 2⁻¹⁰: ε takes less than 2⁻¹⁶ off.
    """
    odd = np.arange(CHANNELS) % 2 == 1
    mean = np.full(CHANNELS, -(2.0**24))
    x, beta = np.where(odd, mean, 1.5), np.where(odd, 0.25, mean)
    case = bench.pose(x + np.zeros((SEVERAL, 1)), "infer", beta=beta, mean=mean, var=1.0, eps=NO_EPS)
    return worst_ratio(bench.array(case, "y")[0] - np.where(odd, 0.25, 1.5), 2.0**-10) <= 1
