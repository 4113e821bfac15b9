"""Tangents and second gradients of one channel in 500-bit arithmetic, as difference quotients of definitions.

The tangent is a difference quotient of y; the second gradients are difference quotients of <w, dx> + <p, dγ> + <q, dβ>,
with dx, dγ and dβ as tests/worlds/exact_normalization.py writes them, which stand beside difference quotients there.
"""

from dataclasses import replace

from flint import arb

from worlds.exact_normalization import STEP, normalize, outputs


def values(array, index):
    return [arb(float(value)) for value in array[:, index]]


def value(array, index):
    return arb(float(array[index]))


def tangent(c, mode, dot_x, dot_gamma, dot_beta):
    """Returns ẏ of a channel as a central difference quotient."""

    def moved(step):
        h, _ = normalize(c, mode, [x + step * t for x, t in zip(c.x, dot_x, strict=True)])
        return [(c.gamma + step * dot_gamma) * t + c.beta + step * dot_beta for t in h]

    return [(above - below) / (2 * STEP) for above, below in zip(moved(STEP), moved(-STEP), strict=True)]


def second_gradients(c, mode, w, p, q):
    """Returns {quantity: values} of grad_x, grad_gamma and grad_dy as central difference quotients."""

    def weighted(channel):
        found = {name: got for name, (got, _) in outputs(channel, mode).items()}
        through = sum((a * b for a, b in zip(w, found["dx"], strict=True)), arb(0))
        return through + p * found["dgamma"][0] + q * found["dbeta"][0]

    def quotient(move):
        return (weighted(move(STEP)) - weighted(move(-STEP))) / (2 * STEP)

    def nudged(name, i):
        def move(step):
            return replace(c, **{name: [v + step if j == i else v for j, v in enumerate(getattr(c, name))]})

        return move

    return {
        "grad_x": [quotient(nudged("x", i)) for i in range(len(c.x))],
        "grad_gamma": [quotient(lambda step: replace(c, gamma=c.gamma + step))],
        "grad_dy": [quotient(nudged("g", i)) for i in range(len(c.x))],
    }
