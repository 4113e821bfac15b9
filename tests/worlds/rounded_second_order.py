"""Correct tangents and second gradients, computed entirely in one narrow type, in closed form and as autodiff does.

Rule: every operation rounds to the type, so that what these differ from the reference by is rounding alone.
"""

import numpy as np

from worlds.rounded_normalization import Variant, statistics, total

FORMS = ("closed", "expanded", "autodiff")


def outputs(case, order, form, compute, params):
    """Returns {quantity: array}, computed in `compute`: x-shaped ones in x's type, grad_gamma in the type `params`."""
    a = {name: np.asarray(value).astype(compute) for name, value in vars(case).items() if isinstance(value, np.ndarray)}
    x, gamma, g = a["x"], a["gamma"], a["dy"]
    m, eps = x.dtype.type(case.rows), x.dtype.type(case.eps)
    mean, var = a["running_mean"], a["running_var"]
    if case.mode == "train":
        mean, var = statistics(x, m, Variant(order))
    r = x.dtype.type(1) / np.sqrt(var + eps)
    h = (x - mean) * r

    def mean_of(t):
        return total(t, order) / m

    def project(t):
        if case.mode == "infer":
            return t
        if form == "autodiff":  # through the mean, through d and through the variance, one after the other
            through_d = t - mean_of(t)
            through = through_d - h * mean_of(through_d * h)
            return through - mean_of(through)
        return t - mean_of(t) - h * mean_of(t * h)

    def pushed(t, dot_gamma, dot_beta):
        return gamma * r * project(t) + dot_gamma * h + dot_beta

    w, p, q = a["bar_dx"], a["bar_dgamma"], a["bar_dbeta"]
    product = total(w * project(g), order)
    if case.mode == "train" and form == "expanded":
        along = total(w * h, order) * total(g * h, order)
        product = total(w * g, order) - total(w, order) * total(g, order) / m - along / m
    grad_x = p * r * g
    if case.mode == "train":
        inner = h * (product / m) + mean_of(w * h) * project(g) + mean_of(g * h) * project(w)
        if form == "autodiff":
            inner = inner - mean_of(inner)
        grad_x = p * r * project(g) - gamma * r * r * inner
    found = {"dot_y": pushed(a["dot_x"], a["dot_gamma"], a["dot_beta"]), "grad_dy": pushed(w, p, q), "grad_x": grad_x}
    found = {name: value.astype(case.x.dtype) for name, value in found.items()}
    return found | {"grad_gamma": (r * product).astype(params)}
