"""Correct batch normalization, computed entirely in one narrow type, by different algorithms and orders of summation.

Rule: every operation rounds to the type, so that what these differ from the reference by is rounding alone.
"""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Variant:
    """One correct way: order of sums, algorithm of the variance, form of y, of the gradients and of the averages."""

    order: str = "forward"  # reverse, tree
    variance: str = "two-pass"  # welford, one-pass
    form: str = "scaled"  # divided, folded, weighted: γ·(x - mean) before it is divided
    backward: str = "centred"  # uncentred, multiplied: (γ·r/m)·(m·g - Σg - h·Σg·h)
    average: str = "weighted"  # stepped: r + ω·(s - r); decayed: r - (r - s)·(1 - decay), decay = 1 - ω rounded
    stored: str = ""  # what is kept between passes beside the mean, in x's type: variance, root


def total(t, order):
    """Returns Σt over rows in the type of t."""
    if order == "tree":
        while len(t) > 1:
            half = len(t) // 2
            t = np.concatenate([t[:half] + t[half : 2 * half], t[2 * half :]])
        return t[0]
    rows = t[::-1] if order == "reverse" else t
    result = rows[0]
    for row in rows[1:]:
        result = result + row
    return result


def statistics(x, m, variant):
    """Returns mean and biased variance."""
    if variant.variance == "welford":
        mean, squares = np.zeros_like(x[0]), np.zeros_like(x[0])
        for n, row in enumerate(x, 1):
            before = row - mean
            mean = mean + before / x.dtype.type(n)
            squares = squares + before * (row - mean)
        return mean, squares / m
    mean = total(x, variant.order) / m
    if variant.variance == "one-pass":
        return mean, np.maximum(total(x * x, variant.order) / m - mean * mean, x.dtype.type(0))
    return mean, total((x - mean) * (x - mean), variant.order) / m


def averaged(old, new, momentum, variant):
    """Returns (1 - ω)·old + ω·new in the variant's form."""
    one, weight = old.dtype.type(1), old.dtype.type(momentum)
    if variant.average == "stepped":
        return old + weight * (new - old)
    if variant.average == "decayed":
        return old - (old - new) * (one - old.dtype.type(1.0 - momentum))
    return (one - weight) * old + weight * new


def narrowed(statistic, case):
    """Returns a statistic as x's type keeps it, in the type that computes."""
    return statistic.astype(case.x.dtype).astype(statistic.dtype)


def outputs(case, variant, compute, params):
    """Returns {quantity: array}, y and dx in x's type, the rest in the type `params`, all computed in `compute`."""
    x, g, gamma, beta, running_mean, running_var = (
        np.asarray(a).astype(compute)
        for a in (case.x, case.dy, case.gamma, case.beta, case.running_mean, case.running_var)
    )
    one, m = x.dtype.type(1), x.dtype.type(case.rows)
    eps = x.dtype.type(case.eps)
    batch = statistics(x, m, variant)
    if variant.stored:
        batch = (narrowed(batch[0], case), narrowed(batch[1], case) if variant.stored == "variance" else batch[1])
    mean, var = batch if case.mode == "train" else (running_mean, running_var)
    root = np.sqrt(var + eps)
    r = narrowed(one / root, case) if variant.stored == "root" else one / root
    h = (x - mean) / root if variant.form == "divided" else (x - mean) * r
    scale = gamma * r
    y = x * scale + (beta - mean * scale) if variant.form == "folded" else h * gamma + beta
    if variant.form == "weighted":
        y = gamma * (x - mean) / root + beta
    dbeta = total(g, variant.order)
    dgamma = total(g * h, variant.order)
    if variant.backward == "uncentred":
        dgamma = (total(g * x, variant.order) - mean * dbeta) * r
    if case.mode == "infer":
        dx = g * scale
    elif variant.backward == "multiplied":
        dx = (scale / m) * (m * g - dbeta - h * dgamma)
    else:
        dx = scale * (g - dbeta / m - h * (dgamma / m))
    result = {"y": y.astype(case.x.dtype), "dx": dx.astype(case.x.dtype)}
    result |= {"dgamma": dgamma.astype(params), "dbeta": dbeta.astype(params)}
    if case.mode == "train":
        result["running_mean"] = averaged(running_mean, batch[0], case.momentum, variant).astype(params)
        if case.rows > 1:
            unbiased = batch[1] * (m / (m - one))
            result["running_var"] = averaged(running_var, unbiased, case.momentum, variant).astype(params)
    return result
