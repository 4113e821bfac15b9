"""The probes of the variance: how many passes it takes over the data, and whether it falls below zero.

Rules: the data are pairs c ± d of integers, so that the sum of a batch is exact and two passes lose next to nothing;
what is far from zero is lost by the other algorithms alone, and only as far as they would lose it here is anything
said: both are tried on the same data, in the arithmetic that was inferred.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from bnconform.analysis.fingerprint import reading
from bnconform.analysis.fingerprint.bench import (
    CHANNELS,
    ELEMENTWISE,
    FEW,
    SEVERAL,
    Bench,
    NoAnswer,
    NotAsked,
    once,
    probe,
)
from bnconform.analysis.fingerprint.exact_rows import SQUARES, far_from_zero
from bnconform.analysis.fingerprint.inferred import Inferred, seen, undecided, worst_ratio
from bnconform.analysis.fingerprint.probes.sums import STATISTICS, TYPES, unit, worst
from bnconform.contract.dtypes import dtype_named

CLASSES = ("two-pass", "Welford-like", "one-pass")
"""From strict to loose: what keeps the bound of one keeps those after it. Chan's and shifted ones are Welford-like."""
EITHER = "two-pass or Welford-like"
RUNGS = 8
SMALL_EPS = 2.0**-14
STEEP = 1.4
"""An error that grows with a higher power of κ is that of one pass: measured 1.4 to 2; Welford's 0.7 to 1."""
ENOUGH = 10
"""So many channels on one side of zero and none on the other happen by chance once in a thousand implementations."""


class Ladder(NamedTuple):
    """Channels of growing κ, their exact variance, its measured errors, and by class what they are held against."""

    rows: np.ndarray
    kappa: np.ndarray
    variance: np.ndarray
    found: reading.Statistics
    bounds: dict[str, np.ndarray]


def _arithmetic(bench: Bench) -> str:
    """Returns the narrowest type that the variance may pass through: that of the sums, or 16 bits between them."""
    sums = bench.value(STATISTICS)
    if sums is None:
        raise NoAnswer("the type of the sums is undecided")
    between = (bench.value("statistics kept in"), bench.value(ELEMENTWISE)) if bench.facts.bits == 16 else ()
    return min((sums, *(kind for kind in between if kind)), key=TYPES.index)


@once
def _ladder(bench: Bench) -> Ladder:
    kind = _arithmetic(bench)
    u = max(unit(kind), 2.0**-64)
    # 4 values have larger sums in 16 bits, and the squares of 12 have a mean that no type holds.
    count = FEW if kind in ("float16", "bfloat16") else SEVERAL
    # Sums of so many values below 2^bits are exact.
    bits = min(int(-np.log2(bench.facts.u)), int(-np.log2(u) - np.ceil(np.log2(count))))
    kappas = 2.0 ** ((bits - 1) * np.arange(1, RUNGS + 1) / RUNGS)
    counts = np.bincount(np.arange(CHANNELS) * RUNGS // CHANNELS)
    rng = np.random.default_rng(0)
    rows = np.concatenate([far_from_zero(count, bits, k, n, rng) for k, n in zip(kappas, counts, strict=True)], axis=1)
    rows *= 2.0 ** min(SQUARES.get(bench.dtype, bits) - bits, 0)
    mean = rows.mean(axis=0)
    variance = np.square(rows - mean).mean(axis=0)
    found = reading.read(bench, rows, eps=SMALL_EPS)
    return Ladder(rows, kappas.repeat(counts), variance, found, _bounds(count, mean, variance, u))


def _bounds(rows: int, mean: np.ndarray, variance: np.ndarray, u: float) -> dict[str, np.ndarray]:
    """Returns by class how far rounding carries the variance, for a batch whose sum is exact.

    The mean is off by its division alone, 2u, or not at all by a power of two, and that enters squared over two passes;
    updates of a running mean round relative to |x|, and one pass relative to x².
    """
    size, spread = np.hypot(mean, np.sqrt(variance)), np.sqrt(variance)
    off = 2 * u * np.abs(mean) if rows & (rows - 1) else 0 * mean
    sums = worst(u, rows + 8)
    two = sums * variance + (1 + sums) * off**2
    update = min(2 * sums, u * (2 * rows**0.5 + 8)) * size
    welford = two + update * spread + update**2
    one = (sums + 2 * u) * size**2 + (2 * np.abs(mean) + off) * off
    return {"two-pass": two, "Welford-like": welford, "one-pass": np.maximum(welford, one)}


@probe("variance algorithm")
def algorithm(bench: Bench) -> Inferred:
    """The variance of data κ deviations away from zero loses digits by its algorithm: none, as κ, or as κ²."""
    ladder = _ladder(bench)
    error = np.abs(ladder.found.variance - ladder.variance)
    within = {name: bound + ladder.found.variance_error for name, bound in ladder.bounds.items()}
    ratios = {name: worst_ratio(error, bound) for name, bound in within.items()}
    value = next((name for name in CLASSES if ratios[name] <= 1), None)
    slope, reach = _slope(ladder, error), f"up to κ = {ladder.kappa.max():.3g}, read from {ladder.found.how}"
    about = f"error as κ^{slope:.2g} {reach}" if np.isfinite(slope) else f"no error that grows with κ {reach}"
    if value is None:
        return undecided(f"{about}; {ratios['one-pass']:.3g} times the bound of one pass")
    if value == "one-pass":
        return Inferred(value=value, ratio=ratios[value], following="Welford-like",
                        following_ratio=ratios["Welford-like"], detail=about)  # fmt: skip
    if slope > STEEP:
        return undecided(f"within the bound of {value}, but {about}")
    others = {name: _least_seen(bench, name, ladder, within[value]) for name in CLASSES[CLASSES.index(value) + 1 :]}
    return _told(value, ratios, others, about)


def _told(value: str, ratios: dict[str, float], others: dict[str, float], about: str) -> Inferred:
    """Returns the class, if the looser ones would have been told from it; `others`: by how much they would."""
    if not others["one-pass"] > 1:
        return undecided(
            f"one pass would lose no more than the bound of {value} either: {others['one-pass']:.2g} of it"
        )
    if value == "two-pass":
        clear = others["Welford-like"] > 1
        following = "Welford-like" if clear else "one-pass"
        return Inferred(value=value if clear else EITHER, ratio=ratios[value], following=following,
                        following_ratio=others[following], detail=about)  # fmt: skip
    return Inferred(value=value, ratio=ratios[value], following="two-pass", following_ratio=ratios["two-pass"],
                    detail=about)  # fmt: skip


def _slope(ladder: Ladder, error: np.ndarray) -> float:
    """Returns the exponent of κ that the relative error grows with; NaN where too few rungs show any error."""
    floor = (ladder.found.variance_error + ladder.bounds["two-pass"]) / ladder.variance
    shown = np.isfinite(error) & (error / ladder.variance > floor)
    kappas = np.unique(ladder.kappa[shown])
    if len(kappas) < 3:
        return np.nan
    mean = [np.log(np.sqrt(np.mean(np.square((error / ladder.variance)[shown & (ladder.kappa == k)])))) for k in kappas]
    return float(np.polyfit(np.log(kappas), mean, 1)[0])


def _least_seen(bench: Bench, name: str, ladder: Ladder, within: np.ndarray) -> float:
    """Returns by how much an algorithm exceeds a bound on these rows, in the form of it that exceeds it least."""
    dtype = dtype_named(_arithmetic(bench).replace(TYPES[-1], "float64"))
    forms = _forms(name, ladder.rows, dtype)
    return min(worst_ratio(form.astype(np.float64) - ladder.variance, within) for form in forms)


def _forms(name: str, wide: np.ndarray, dtype: np.dtype) -> tuple[np.ndarray, ...]:
    """Returns variances by Welford's and Chan's updates; or by one pass: in one type, clamped, rounded where stored."""
    rows, count = wide.astype(dtype), dtype.type(len(wide))
    if name == "Welford-like":
        return _welford(rows) / count, _merged(rows)[1] / count
    plain, mean = _one_pass(rows), wide.mean(axis=0).astype(dtype)
    stored = np.square(wide).mean(axis=0).astype(dtype) - mean * mean
    return plain, np.maximum(plain, dtype.type(0)), np.maximum(stored, dtype.type(0))


def _welford(x: np.ndarray) -> np.ndarray:
    one, mean, squares = x.dtype.type, np.zeros_like(x[0]), np.zeros_like(x[0])
    for count, row in enumerate(x, 1):
        away = row - mean
        mean = mean + away / one(count)
        squares = squares + away * (row - mean)
    return np.asarray(squares)


def _merged(x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Returns the mean and Σ(x - mean)², merged from halves (Chan's)."""
    if len(x) == 1:
        return x[0], np.zeros_like(x[0])
    one, half, rest = x.dtype.type, len(x) // 2, len(x) - len(x) // 2
    (mean_a, squares_a), (mean_b, squares_b) = _merged(x[:half]), _merged(x[half:])
    away = mean_b - mean_a
    return mean_a + away * one(rest / len(x)), squares_a + squares_b + away * away * one(half * rest / len(x))


def _one_pass(x: np.ndarray) -> np.ndarray:
    one, total, squares = x.dtype.type, np.zeros_like(x[0]), np.zeros_like(x[0])
    with np.errstate(over="ignore", invalid="ignore"):
        for row in x:
            total, squares = total + row, squares + row * row
        mean = total / one(len(x))
        return np.asarray(squares / one(len(x)) - mean * mean)


@probe("negative variance")
def clamped(bench: Bench) -> Inferred:
    """One pass over data that hardly vary gives variances on both sides of zero, unless they are clamped there."""
    if bench.value("variance algorithm") != "one-pass":
        raise NotAsked("asked of one-pass variances only")
    rows, true = _nearly_constant(bench)
    found = reading.read(bench, rows, eps=SMALL_EPS)
    hidden = found.variance_error
    # A root of what is below zero is not a number.
    below = int((np.isnan(found.variance) | (found.variance < -hidden)).sum())
    above, gone = (
        int((found.variance > 1.5 * true + hidden).sum()),
        int((np.abs(found.variance) <= true / 4 + hidden).sum()),
    )
    detail = f"of {CHANNELS} channels that hardly vary {below} are below zero, {gone} at zero and {above} too large"
    if below:
        return seen("occurs", detail)
    return seen("clamped", detail) if min(above, gone) >= ENOUGH else undecided(detail)


def _nearly_constant(bench: Bench) -> tuple[np.ndarray, float]:
    """Returns channels of equal values, but for one that is one unit larger, and their variance."""
    precision = int(-np.log2(bench.facts.u))
    centre = np.rint(np.random.default_rng(1).uniform(0.5, 0.9, CHANNELS) * 2.0**precision)
    rows = np.repeat(centre[None], SEVERAL, axis=0)
    rows[SEVERAL // 2] += 1
    scale = 2.0 ** (SQUARES.get(bench.dtype, 10) - precision)
    return rows * scale, float((SEVERAL - 1) / SEVERAL**2 * scale**2)
