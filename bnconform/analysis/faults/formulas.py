"""The right formula of every quantity; a Fault replaces one of them.

Rules: one line each, in the notation of the documents; a formula that differs between training and inference says so; a
quantity with two uses that only faults separate (the variance in y and the averaged one) has a name for each.
"""

from __future__ import annotations

from bnconform.analysis.faults.calculation import Calculation, Formula, Number
from bnconform.contract.case import Case


def project(c: Calculation, t: Number) -> Number:
    """Returns P(t) = t - mean(t) - h·mean(t·h), the part of a cotangent that reaches x; t itself where nothing flows
    through the statistics, as in inference."""
    return t - c.average(t) - c.h_back * c.average(t * c.h_back) if c.through else t


def unbiasing(c: Calculation) -> Number:
    """Returns m/(m - 1), the factor from the biased to the unbiased variance; 1 where there is a single value."""
    return c.number(float(c.m)) / float(max(c.m - 1, 1))


def _moved(c: Calculation, old: Number, new: Number) -> Number:
    weight = c.number(c.weight)
    return old * (1.0 - weight) + new * weight


def _running(c: Calculation, old: Number, new: str) -> Number:
    return _moved(c, old, getattr(c, new)) if c.training and old is not None else old


def _second_x(c: Calculation) -> Number:
    if not c.through:
        return c.g * (c.r_back * c.p)
    inner = c.h_back * (c.second_product / float(c.m)) + c.pg * c.wh + c.pw * c.gh
    return c.pg * (c.r_back * c.p) - inner * (c.r_back * c.r_back * c.gamma)


FORMULAS: dict[str, Formula] = {
    # What the Case gives.
    "x": lambda c: c.rows(c.case.x),
    "g": lambda c: c.rows(c.case.dy),
    "gamma": lambda c: c.vector(c.case.gamma, absent=1.0),
    "beta": lambda c: c.vector(c.case.beta, absent=0.0),
    "rm": lambda c: c.previous.running_mean if c.previous else c.vector(c.case.running_mean),
    "rv": lambda c: c.previous.running_var if c.previous else c.vector(c.case.running_var),
    # Forward: the statistics of the batch, those that normalize, and what they make of x.
    "mean": lambda c: c.average(c.x),
    "variance": lambda c: c.average((c.x - c.mean) * (c.x - c.mean)),
    "centre": lambda c: c.mean if c.training else c.rm,
    "variance_in_y": lambda c: c.variance if c.training else c.rv,
    "epsilon": lambda c: c.eps,
    "r": lambda c: 1.0 / c.sqrt(c.variance_in_y + c.epsilon),
    "d": lambda c: c.x - c.centre,
    "h": lambda c: c.d * c.r,
    "scale": lambda c: c.gamma,
    "shift": lambda c: c.beta,
    "y": lambda c: c.h * c.scale + c.shift,
    # The running statistics.
    "weight": lambda c: c.omega,
    "mean_averaged": lambda c: c.mean,
    "correction": unbiasing,
    "variance_averaged": lambda c: c.variance * c.correction,
    "running_mean": lambda c: _running(c, c.rm, "mean_averaged"),
    "running_var": lambda c: _running(c, c.rv, "variance_averaged"),
    # Backward: dx = γ·r·(g - mean(g) - h·mean(g·h)); the last two terms flow through the statistics of training.
    "through": lambda c: c.training,
    "r_back": lambda c: c.r,
    "h_back": lambda c: c.d * c.r_back,
    "mean_term": lambda c: c.average(c.g),
    "variance_term": lambda c: c.h_back * c.average(c.g * c.h_back),
    "reaching": lambda c: c.g - c.mean_term - c.variance_term if c.through else c.g,
    "dx": lambda c: c.reaching * (c.gamma * c.r_back),
    "dgamma": lambda c: c.total(c.g * c.h_back),
    "dbeta": lambda c: c.total(c.g),
    "held_gamma": lambda c: c.vector(c.case.held_gamma),
    "held_beta": lambda c: c.vector(c.case.held_beta),
    "dgamma_behind": lambda c: c.dgamma if c.held_gamma is None else c.held_gamma + c.dgamma,
    "dbeta_behind": lambda c: c.dbeta if c.held_beta is None else c.held_beta + c.dbeta,
    # A layer before, whose weight is x, and the layer that does the work of both.
    "w_layer": lambda c: c.rows(c.case.x),
    "b_layer": lambda c: c.vector(c.case.bias, absent=0.0),
    "gamma_folded": lambda c: c.gamma,
    "mean_folded": lambda c: c.rm,
    "beta_folded": lambda c: c.beta,
    "r_folded": lambda c: 1.0 / c.sqrt(c.rv + c.epsilon),
    "slope_of_weight": lambda c: c.gamma_folded * c.r_folded,
    "slope_of_bias": lambda c: c.gamma_folded * c.r_folded,
    "folded_weight": lambda c: c.w_layer * c.slope_of_weight,
    "folded_bias": lambda c: (c.b_layer - c.mean_folded) * c.slope_of_bias + c.beta_folded,
    # Forward-mode and second derivatives.
    "dot_x": lambda c: c.rows(c.case.dot_x),
    "dot_gamma": lambda c: c.vector(c.case.dot_gamma, absent=0.0),
    "dot_beta": lambda c: c.vector(c.case.dot_beta, absent=0.0),
    "dot_y": lambda c: project(c, c.dot_x) * (c.gamma * c.r) + c.h * c.dot_gamma + c.dot_beta,
    "w": lambda c: c.rows(c.case.bar_dx),
    "p": lambda c: c.vector(c.case.bar_dgamma, absent=0.0),
    "q": lambda c: c.vector(c.case.bar_dbeta, absent=0.0),
    "pg": lambda c: project(c, c.g),
    "pw": lambda c: project(c, c.w),
    "gh": lambda c: c.average(c.g * c.h_back),
    "wh": lambda c: c.average(c.w * c.h_back),
    "second_product": lambda c: c.total(c.w * c.pg),
    "grad_x": _second_x,
    "grad_gamma": lambda c: c.total(c.w * c.pg * c.r_back),
    "grad_dy": lambda c: c.pw * (c.gamma * c.r_back) + c.h_back * c.p + c.q,
}
OUTPUTS = {
    "": ("y", "running_mean", "running_var"),
    "dy": ("dx", "dgamma", "dbeta"),
    "layer": ("folded_weight", "folded_bias"),
    "dot_x": ("dot_y",),
    "bar_dx": ("grad_x", "grad_gamma", "grad_dy"),
}
"""Quantities that are asked for where the Case has the field."""
BEHIND: dict[str, Formula] = {
    "running_mean": lambda c: c.last.running_mean,
    "running_var": lambda c: c.last.running_var,
    "dgamma": lambda c: c.dgamma_behind,
    "dbeta": lambda c: c.dbeta_behind,
}
"""What is there behind all calls of a Case and its backward pass, where that is more than the first call's own."""


def asked_of(case: Case) -> list[str]:
    """Returns the outputs that a Case asks for."""
    asked = [name for given, names in OUTPUTS.items() if not given or getattr(case, given) is not None
             for name in names]  # fmt: skip
    return [name for name in asked if name not in OUTPUTS["dy"] or case.wants(name.removeprefix("d"))]


def handed_out(c: Calculation, name: str) -> Number:
    """Returns an output as it is behind all calls of the Case and its backward pass."""
    return BEHIND[name](c) if name in BEHIND else getattr(c, name)
