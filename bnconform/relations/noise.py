r"""The noise of a batch: how far the outputs of many channels may lie from the exact distribution of a random batch.

Rules: no sample is compared with another; the distribution is exact, and the allowance is that of chance plus that of
rounding, both derived. A channel is one draw, and all channels are independent.

Chance: by Dvoretzky, Kiefer, Wolfowitz and Massart the empirical distribution F_n of n independent draws lies within
√(ln(2/p)/(2n)) of F everywhere, but for probability p. Rounding: where each value is known up to an interval, the k-th
smallest draw lies between the k-th smallest lower and the k-th smallest upper end, and F is monotone.

Data are Gaussian but for their rounding to the dtype: |x - X| ≤ δ = u|x| + 3u₆₄(|x| + |μ|), since X = μ + σz takes
three roundings, that of the root σ among them. The mean then moves by at most mean(δ) and the standard deviation, a
norm of the deviations, by rms(δ).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import numpy as np

from bnconform.cases import populations
from bnconform.contract.axes import to_rows
from bnconform.contract.case import Case
from bnconform.contract.dialect import Dialect
from bnconform.engine.agreement import Agreement, agree, not_offered
from bnconform.engine.spec import Subject
from bnconform.oracle import bounds, reference
from bnconform.oracle.bounds import LEAST_SHARE, Bound
from bnconform.oracle.bounds.formats import arithmetic
from bnconform.oracle.reference.reductions import Array
from bnconform.relations import refusals

FALSE_ALARM = 1e-12
"""Probability that one comparison blames chance on an implementation."""
Distribution = Callable[[Array], Array]


Standard = Callable[[Case, Dialect, np.ndarray], "Interval"]


@dataclass(frozen=True, eq=False)
class Interval:
    """Each channel's draw as read off the outcome: a value, and the ends between which it lies for certain."""

    value: Array
    low: Array
    high: Array


def distributed(found: Interval, as_: Distribution, *, output: str, quantity: str, case: Case) -> Agreement:
    """Compares the distribution of the draws over the channels with the exact one.

    The k-th smallest value has the probability F(v) ≈ (k - ½)/n; half a step of F_n, chance and rounding may move it.
    """
    n = found.value.size
    order = np.argsort(found.value)
    middle = as_(found.value[order])
    rounding = np.maximum(as_(np.sort(found.high)) - middle, middle - as_(np.sort(found.low)))
    rounding = np.where(np.isnan(middle), 0.0, rounding)  # no number is never within the bound
    chance = radius(n) + 0.5 / n
    actual, expected, allowance = np.empty(n), np.empty(n), np.empty(n)
    actual[order], expected[order] = middle, (np.arange(n) + 0.5) / n
    allowance[order] = rounding + chance
    # It claims something where rounding may move a value no further than chance does.
    within = Bound(allowance, np.full(n, 2 * chance / LEAST_SHARE))
    return replace(agree(actual, expected, within=within, output=output, quantity=quantity), case=case)


def radius(n: int) -> float:
    """Returns how far the empirical distribution of n draws lies from the exact one, but for FALSE_ALARM."""
    return math.sqrt(math.log(2.0 / FALSE_ALARM) / (2 * n))


def enough(case: Case) -> bool:
    """Returns whether there are channels enough for chance to leave nine tenths of all distributions to be told."""
    return radius(case.channels) <= 0.1


def of_size(case: Case, m: int) -> Case:
    """Returns the case with its first m examples."""
    return replace(case, x=case.x[:m])


def with_the_mean_in_front(case: Case) -> Case:
    """Returns the case with the mean of its distribution, running_mean, in place of its first example.

    That example stands in no random place.
    """
    x = case.x.copy()
    x[:1] = population(case)[0]
    return replace(case, x=x, shuffled=False)


def population(case: Case) -> tuple[np.ndarray, np.ndarray]:
    """Returns mean and variance of the distribution that x was drawn from, which a Gaussian case carries."""
    if case.running_mean is None or case.running_var is None:
        raise ValueError("a case of Gaussian channels carries their means and variances as its running statistics")
    return case.running_mean, case.running_var


def _drawn(case: Case) -> tuple[Array, Array, Array]:
    """Returns μ and σ of each channel, and δ of each value."""
    mean, variance = (array.astype(np.float64) for array in population(case))
    x = np.abs(to_rows(case.x, case.axis).astype(np.float64))
    double = arithmetic("float64").u
    return mean, np.sqrt(variance), arithmetic(case.dtype).u * x + 3 * double * (x + np.abs(mean))


def standard_mean(case: Case, dialect: Dialect, returned: np.ndarray) -> Interval:
    """Returns (μ_B - μ)·√m/σ, which is distributed as N(0, 1), from the running mean returned with weight 1."""
    mean, spread, data = _drawn(case)
    error = bounds.running_mean(case, dialect).allowance + data.mean(axis=0)
    unit = math.sqrt(case.rows) / spread
    value = (returned.astype(np.float64) - mean) * unit
    return Interval(value, value - error * unit, value + error * unit)


def standard_squares(case: Case, dialect: Dialect, returned: np.ndarray) -> Interval:
    """Returns Σ(x - μ_B)²/σ², distributed as χ² of m - 1 degrees of freedom, from the variance returned with weight 1.

    A variance that is declared biased counts as Σ(x - μ_B)²/m.
    """
    correction = 1 if dialect.running_var == "unbiased" else 0
    _, spread, data = _drawn(case)
    allowance = bounds.running_var(case, dialect, correction=correction).allowance
    unit, count = np.sqrt(np.mean(data * data, axis=0)), float(case.rows - correction)
    variance, stretch = returned.astype(np.float64), math.sqrt(case.rows / count)

    def squares(of: Array, move: Array | float) -> Array:
        root = np.maximum(np.sqrt(np.maximum(of, 0.0)) + move, 0.0)
        return np.asarray(count * (root / spread) ** 2)

    low, high = squares(variance - allowance, -stretch * unit), squares(variance + allowance, stretch * unit)
    return Interval(squares(variance, 0.0), low, high)


def first_output(case: Case, dialect: Dialect, y: np.ndarray) -> Interval:
    """Returns h of the first example, set to the mean of the distribution, among m - 1 drawn ones.

    With the mean e of the others and Σ² the sum of their squares about it, the deviation is d = -e·(m - 1)/m and m·v =
    Σ² + e²·(m - 1)/m: h = d/√v is a monotone function of Student's ratio of e and Σ. The loss of h by ε and by the
    rounding of the data is (d + e)/(R - f) - d/R for R = √(v + ε), |e| ≤ mean(δ) and |f| ≤ rms(δ) + √(v + ε) - √v.
    """
    _, _, data = _drawn(case)
    data[0] = 0.0
    variance = reference.batch_var(case)
    root = np.sqrt(variance + case.eps)
    moved = np.sqrt(np.mean(data * data, axis=0)) + case.eps / (root + np.sqrt(variance))
    error = to_rows(bounds.y(case, dialect).allowance, case.axis)[0]
    value = to_rows(y, case.axis)[0].astype(np.float64)
    with np.errstate(all="ignore"):
        change = (data.mean(axis=0) + (np.abs(value) + error) * moved) / (root - moved)
    error = error + np.where(root > moved, change, np.inf)
    return Interval(value, value - error, value + error)


def normal(z: Array) -> Array:
    """The distribution N(0, 1)."""
    return np.array([0.5 * math.erfc(-one / math.sqrt(2.0)) for one in z.tolist()])


def chi_squared(degrees: int) -> Distribution:
    """Returns the distribution χ² of an even number of degrees of freedom: 1 - exp(-x/2)·Σ (x/2)^i/i! to half of it."""
    if degrees % 2:
        raise ValueError(f"degrees of freedom are {degrees}; expected an even number, for which the sum is finite")

    def distribution(x: Array) -> Array:
        half = np.asarray(x) / 2
        term = total = np.exp(-half)
        for i in range(1, degrees // 2):
            term = term * np.where(np.isinf(half), 0.0, half) / i
            total = total + term
        return np.asarray(1.0 - total)

    return distribution


def output_of_the_mean(m: int) -> Distribution:
    """Returns the distribution of h of an example that is the mean of its distribution, in a batch of m.

    Student's ratio of m - 2 degrees of freedom is t = h·√(m(m - 2)/(m - 1 - h²)), and t = √(m - 2)·tan θ has the
    density cos^(m-3) θ, whose integral is a finite sum.
    """

    def distribution(h: Array) -> Array:
        inside = np.clip(h, -math.sqrt(m - 1), math.sqrt(m - 1))
        angle = np.arctan2(inside * math.sqrt(m), np.sqrt(np.maximum(m - 1 - inside**2, 0.0)))
        return 0.5 + 0.5 * _integral(angle, m - 3) / _integral(np.array(math.pi / 2), m - 3)

    return distribution


def _integral(angle: Array, power: int) -> Array:
    """Returns ∫ cos^n over [0, angle]: cos^(n-1)·sin/n + (n - 1)/n times that of n - 2."""
    total = angle if power % 2 == 0 else np.sin(angle)
    for n in range(2 + power % 2, power + 1, 2):
        total = np.cos(angle) ** (n - 1) * np.sin(angle) / n + (n - 1) / n * total
    return np.asarray(total)


def of_averages(bn: Subject, case: Case) -> Iterator[Agreement]:
    """Compares the distributions of mean and variance over batches of each size with the exact ones."""
    for m in populations.COUNTS:
        batch = refusals.taken(bn, of_size(case, m))
        yield _share(bn, batch, "running_mean", standard_mean, normal, m)
        yield _share(bn, batch, "running_var", standard_squares, chi_squared(m - 1), m)


def _share(bn: Subject, batch: Case, name: str, standard: Standard, exact: Distribution, m: int) -> Agreement:
    returned = getattr(bn(batch), name)
    if returned is None:
        return not_offered(name)
    draws = standard(batch, bn.dialect, returned)
    return distributed(draws, exact, output=name, quantity=f"share of {name} in batches of {m}", case=batch)


def of_a_fixed_example(bn: Subject, case: Case) -> Iterator[Agreement]:
    """Compares the distribution of y of a fixed example over batches of each size with the exact one."""
    for m in populations.COUNTS:
        batch = refusals.taken(bn, with_the_mean_in_front(of_size(case, m)))
        y, quantity = bn(batch).y, f"share of y of the fixed example in batches of {m}"
        if y is None:
            yield not_offered("y", quantity=quantity)
            continue
        draws = first_output(batch, bn.dialect, y)
        yield distributed(draws, output_of_the_mean(m), output="y", quantity=quantity, case=batch)
