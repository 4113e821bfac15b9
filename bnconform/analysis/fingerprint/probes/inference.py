"""Probes of inference: whether y is folded into one product and one sum, and whether dγ is centred.

Rules: every value equals the running mean, so that an algorithm that subtracts first computes with zeros; any other
keeps the rounding of products that should cancel.
"""

from __future__ import annotations

import numpy as np

from bnconform.analysis.fingerprint.bench import CHANNELS, ELEMENTWISE, NO_EPS, SEVERAL, Bench, NoAnswer, probe
from bnconform.analysis.fingerprint.exact_rows import cancelling
from bnconform.analysis.fingerprint.inferred import Inferred, undecided, worst_ratio
from bnconform.analysis.fingerprint.probes.sums import COTANGENTS, MARGIN, TYPES, unit, worst
from bnconform.contract.dtypes import dtype_named
from bnconform.oracle.bounds.formats import arithmetic

SMALLEST_SHIFT = {"float16": 2.0**-12}
"""β beside products near 2^15, so small that rounding one of these in any type is larger; float16 has no smaller."""


def _full(bench: Bench, rng: np.random.Generator, low: float = 0.5) -> np.ndarray:
    """Returns a number per channel between `low` and 1 that uses all bits of the dtype."""
    precision = 2.0 ** int(-np.log2(bench.facts.u))
    return np.rint(rng.uniform(low, 1.0, CHANNELS) * (precision - 1)) / precision


@probe("inference")
def folded(bench: Bench) -> Inferred:
    """For x equal to the running mean, (x - μ)·r·γ + β is β, and x·a + (β - μ·a) keeps a rounding of x·a."""
    rng = np.random.default_rng(2)
    mean, gamma = 4096 * _full(bench, rng), _full(bench, rng)
    beta = _full(bench, rng) * SMALLEST_SHIFT.get(bench.dtype, 2.0**-40)
    case = bench.pose(
        mean + np.zeros((SEVERAL, 1)), "infer", gamma=gamma, beta=beta, mean=mean, var=2.0**-6, eps=NO_EPS
    )
    error = bench.array(case, "y") - beta
    u = max(arithmetic(bench.value(ELEMENTWISE) or bench.dtype).u, bench.facts.u)
    first = worst_ratio(error, 2 * u * beta)
    fold = worst_ratio(error, 4 * u * 8 * mean * gamma + beta)
    if first <= 1:
        return Inferred(value="subtracts first", ratio=first, following="folded", following_ratio=1 / (2 * u))
    if fold <= 1:
        return Inferred(value="folded", ratio=fold, following="subtracts first", following_ratio=first)
    return undecided(f"y is not β for values equal to the running mean: {fold:.3g} times what a rounding explains")


@probe("dγ in inference")
def centred(bench: Bench) -> Inferred:
    """For x equal to the running mean and cotangents that cancel, Σg(x - μ) is 0, and Σgx - μΣg keeps roundings."""
    kind = bench.value(COTANGENTS)
    if kind is None:
        raise NoAnswer("the type of the sums is undecided")
    u, precision = max(unit(kind), 2.0**-64), int(-np.log2(bench.facts.u))
    rng = np.random.default_rng(3)
    mean = 2 * _full(bench, rng)
    span = max(int(-np.log2(u)) - 5 - precision, 0)
    g = cancelling(precision, min(span, 9) if bench.dtype == "float16" else span, rng)
    case = bench.pose(mean + np.zeros((SEVERAL, 1)), "infer", mean=mean, var=1.0, eps=NO_EPS, dy=g)
    error, terms = np.abs(bench.array(case, "dgamma")), mean * np.abs(g).sum(axis=0)
    # Folded, each h is the same rounding of μ·r, 2u at most, and is multiplied by sums that cancel but for rounding.
    # Uncentred, the products and the sums are rounded, each relative to all terms.
    elementwise = max(arithmetic(bench.value(ELEMENTWISE) or bench.dtype).u, u)
    within = {
        "centred": 2 * elementwise * (worst(u) + elementwise) * terms,
        "uncentred": (2 * worst(u, MARGIN) + 4 * elementwise) * terms,
    }
    ratios = {name: worst_ratio(error, bound) for name, bound in within.items()}
    power = worst_ratio(_uncentred(bench, mean, g, kind), within["centred"])
    if ratios["centred"] <= 1:
        if power <= 1:
            return undecided(f"uncentred sums would lose nothing in {kind}")
        return Inferred(value="centred", ratio=ratios["centred"], following="uncentred", following_ratio=power)
    if ratios["uncentred"] <= 1:
        return Inferred(value="uncentred", ratio=ratios["uncentred"], following="centred",
                        following_ratio=ratios["centred"])  # fmt: skip
    return undecided(f"dγ is {ratios['uncentred']:.3g} times what rounding explains")


def _uncentred(bench: Bench, mean: np.ndarray, g: np.ndarray, kind: str) -> np.ndarray:
    """Returns Σgx - μΣg for x = μ, products in the elementwise arithmetic and sums, row by row, in the type `kind`."""
    dtype = dtype_named("float64" if kind == TYPES[-1] else kind)
    narrow = dtype_named(bench.value(ELEMENTWISE) or bench.dtype)
    total, product = np.zeros(len(mean), dtype), np.zeros(len(mean), dtype)
    for row in g:
        total = total + row.astype(dtype)
        product = product + (row.astype(narrow) * mean.astype(narrow)).astype(dtype)
    return np.asarray((product - mean.astype(dtype) * total).astype(np.float64))
