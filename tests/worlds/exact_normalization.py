"""Batch normalization of one channel in 500-bit ball arithmetic, from definitions that the library does not use.

The variance is E[x²] - E[x]², which 500 bits can afford, and gradients stand beside difference quotients of Σg·y, so
that the equations are checked and not only the arithmetic.
"""

from dataclasses import dataclass

from flint import arb, ctx

ctx.prec = 500
STEP = arb(2) ** -120


@dataclass(frozen=True)
class Channel:
    """One channel's inputs as exact numbers."""

    x: list
    g: list
    gamma: arb
    beta: arb
    running_mean: arb
    running_var: arb
    eps: arb
    momentum: arb


def channel(case, index):
    """Returns channel `index` of a Case whose x is (m, C)."""

    def values(array):
        return [arb(float(value)) for value in array[:, index]]

    def value(array):
        return arb(float(array[index]))

    return Channel(
        values(case.x),
        values(case.dy),
        value(case.gamma),
        value(case.beta),
        value(case.running_mean),
        value(case.running_var),
        arb(case.eps),
        arb(case.momentum),
    )


def mean_of(values):
    return sum(values, arb(0)) / len(values)


def statistics(x):
    """Returns mean and biased variance."""
    mean = mean_of(x)
    return mean, mean_of([v * v for v in x]) - mean * mean


def normalize(c, mode, x=None):
    x = c.x if x is None else x
    mean, variance = statistics(x) if mode == "train" else (c.running_mean, c.running_var)
    root = (variance + c.eps).sqrt()
    return [(v - mean) / root for v in x], root


def outputs(c, mode, correction=1):
    """Returns {quantity: (exact values, sums of the magnitudes of their terms)}."""
    m, (h, root) = len(c.x), normalize(c, mode)
    mean, variance = statistics(c.x)
    g_mean, component = mean_of(c.g), mean_of([a * b for a, b in zip(c.g, h, strict=True)])
    if mode == "infer":
        g_mean = component = arb(0)
    pairs = list(zip(c.g, h, strict=True))
    factor = arb(m) / (m - correction) if m > correction else arb("nan")
    keep = 1 - c.momentum
    scale = c.gamma / root
    summands = {
        "y": [[c.gamma * t, c.beta] for t in h],
        "dx": [[scale * g, -scale * g_mean, -scale * t * component] for g, t in pairs],
        "dgamma": [[g * t for g, t in pairs]],
        "dbeta": [c.g],
        "running_mean": [[keep * c.running_mean, c.momentum * mean]],
        "running_var": [[keep * c.running_var, c.momentum * variance * factor]],
    }
    return {
        name: ([sum(t, arb(0)) for t in rows], [sum(map(abs, t), arb(0)) for t in rows])
        for name, rows in summands.items()
    }


def differences(c, mode):
    """Returns dx, dgamma and dbeta as central difference quotients of the loss Σg·y."""

    def loss(x, gamma, beta):
        h, _ = normalize(c, mode, x)
        return sum((g * (gamma * t + beta) for g, t in zip(c.g, h, strict=True)), arb(0))

    def quotient(move):
        return (loss(*move(STEP)) - loss(*move(-STEP))) / (2 * STEP)

    def nudged(i):
        return lambda step: ([v + step if j == i else v for j, v in enumerate(c.x)], c.gamma, c.beta)

    return {
        "dx": [quotient(nudged(i)) for i in range(len(c.x))],
        "dgamma": [quotient(lambda step: (c.x, c.gamma + step, c.beta))],
        "dbeta": [quotient(lambda step: (c.x, c.gamma, c.beta + step))],
    }


def units(got, exact, terms, u, floor):
    """Returns the worst |got - exact| in units of u·Σ|terms|, beyond `floor`, the smallest number of the type."""
    worst = 0.0
    for value, want, size in zip(got, exact, terms, strict=True):
        error = abs(arb(float(value)) - want) - floor
        if error > 0:
            worst = max(worst, float(error / (size * u)) if size > 0 else float("inf"))
    return worst
