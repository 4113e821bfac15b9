"""The notation: every symbol that an equation may use, with its LaTeX, its name in code and where its values come from.

Rules: one symbol, one idea, in code, in print and in `specs/README.md`, whose table a test holds against this one;
what has a definition is defined here and nowhere else.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Literal

from bnconform.oracle.notation.expression import Applied, Derived, Expression, Symbol, mean, sqrt

GIVEN: dict[str, tuple[Symbol, str]] = {
    "x": (Symbol("x", "x", "rows"), "Case.x"),
    "γ": (Symbol("γ", r"\gamma", "channel"), "Case.gamma, 1 where it is absent"),
    "β": (Symbol("β", r"\beta", "channel"), "Case.beta, 0 where it is absent"),
    "E": (Symbol("E", r"\mathrm{E}[x]", "channel"), "Case.running_mean"),
    "Var": (Symbol("Var", r"\mathrm{Var}[x]", "channel"), "Case.running_var"),
    "ε": (Symbol("ε", r"\varepsilon", "number"), "Case.eps"),
    "ω": (Symbol("ω", r"\omega", "number"), "Case.momentum, the weight of the new statistics"),
    "m": (Symbol("m", "m", "number"), "Case.rows, the number of values in a channel"),
    "g": (Symbol("g", "g", "rows"), "Case.dy, the cotangent ∂ℓ/∂y"),
    "w": (Symbol("w", "w", "rows"), "Case.bar_dx"),
    "p": (Symbol("p", "p", "channel"), "Case.bar_dgamma, 0 where it is absent"),
    "q": (Symbol("q", "q", "channel"), "Case.bar_dbeta, 0 where it is absent"),
    "z": (Symbol("z", "z", "rows"), "Case.bar_grad_x"),
    "W": (Symbol("W", "W", "rows"), "Case.x, where it is the weight of a layer"),
    "b": (Symbol("b", "b", "channel"), "Case.bias, 0 where it is absent"),
    "dot_x": (Symbol("dot_x", r"\dot{x}", "rows"), "Case.dot_x"),
    "dot_γ": (Symbol("dot_γ", r"\dot\gamma", "channel"), "Case.dot_gamma, 0 where it is absent"),
    "dot_β": (Symbol("dot_β", r"\dot\beta", "channel"), "Case.dot_beta, 0 where it is absent"),
    "dμ": (Symbol("dμ", r"\frac{\partial\ell}{\partial\mu_B}", "channel"), "Case.dmean, 0 where it is absent"),
    "dv": (Symbol("dv", r"\frac{\partial\ell}{\partial\sigma_B^2}", "channel"), "Case.dvar, 0 where it is absent"),
}
"""The symbols that a Case gives, and the field that holds their values."""
OUTPUT_LATEX = {
    "y": "y",
    "running_mean": r"\mathrm{E}[x]'",
    "running_var": r"\mathrm{Var}[x]'",
    "dx": r"\frac{\partial\ell}{\partial x}",
    "dgamma": r"\frac{\partial\ell}{\partial\gamma}",
    "dbeta": r"\frac{\partial\ell}{\partial\beta}",
    "dot_y": r"\dot{y}",
    "grad_x": r"\nabla_x\left(\left\langle w, \nabla_x\ell\right\rangle +"
    r" p\,\frac{\partial\ell}{\partial\gamma}\right)",
    "grad_gamma": r"\frac{\partial}{\partial\gamma}\left\langle w, \nabla_x\ell\right\rangle",
    "grad_dy": r"\nabla_g\left(\left\langle w, \nabla_x\ell\right\rangle + p\,\frac{\partial\ell}{\partial\gamma} +"
    r" q\,\frac{\partial\ell}{\partial\beta}\right)",
    "batch_mean": r"\mu_B",
    "batch_var": r"\sigma_B^2",
    "drunning_mean": r"\frac{\partial\ell}{\partial\,\mathrm{E}[x]}",
    "drunning_var": r"\frac{\partial\ell}{\partial\,\mathrm{Var}[x]}",
    "third_x": r"\nabla_x\left\langle z, \nabla_x\left\langle w, \nabla_x\ell\right\rangle\right\rangle",
    "folded_weight": "W'",
    "folded_bias": "b'",
}
"""How the fields of an Outcome are printed on the left of an equation."""
Mode = Literal["train", "infer"]


@dataclass(frozen=True)
class Symbols:
    """The symbols of a mode, as attributes: c.x, c.γ, c.h and so on.

    In training r and h are of the batch's own statistics, in inference of the running ones.
    """

    mode: Mode

    def __getattr__(self, name: str) -> Symbol:
        try:
            return GIVEN[name][0]
        except KeyError:
            expected = ", ".join([*GIVEN, "μ", "v", "d", "r", "h", "P"])
            raise AttributeError(f"{name!r} is no symbol of the notation; expected one of {expected}") from None

    @cached_property
    def μ(self) -> Derived:  # the notation of the field
        """The mean of the batch."""
        return Derived("μ", r"\mu_B", mean(self.x))

    @cached_property
    def v(self) -> Derived:
        """The biased variance of the batch."""
        return Derived("v", r"\sigma_B^2", mean((self.x - self.μ) ** 2))

    @cached_property
    def d(self) -> Expression:
        """x less the mean that normalizes it."""
        return self.x - (self.μ if self.mode == "train" else self.E)

    @cached_property
    def r(self) -> Derived:
        """The reciprocal root of the variance that normalizes, with ε."""
        definition = 1 / sqrt((self.v if self.mode == "train" else self.Var) + self.ε)
        return Derived("r", "r", definition)

    @cached_property
    def h(self) -> Derived:
        """The normalized values."""
        return Derived("h", r"\hat{x}", self.d * self.r)

    def P(self, t: Expression) -> Applied:  # a projection, as the field writes it
        """Returns P(t) = t - mean(t) - h·mean(t·h), the part of a cotangent that reaches x in training."""
        return Applied("P", t, t - mean(t) - self.h * mean(t * self.h))


TRAINING, INFERENCE = Symbols("train"), Symbols("infer")
